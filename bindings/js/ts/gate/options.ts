// The options of a gate, and the events that it reports.
import type { Decision } from "./decision.js";
import type { Store, StoreFailure } from "./store.js";

/** Stores what a gate must remember over a restart: the clock's mark, the newest keyset and bundle. */
export interface Marks {
  load(name: string): Uint8Array | undefined;
  save(name: string, value: Uint8Array): void;
}

/** The time: seconds since 1970, and milliseconds of a clock that only advances. */
export interface Now {
  seconds: number;
  monotonicMs: number;
}

/** A decision and its circumstances. It contains no token and no key. */
export interface LicentiaEvent {
  at: number;
  action: string;
  source: string;
  decision: Decision;
}

/** The options of a gate. */
export interface GateOptions {
  /** Public keys that are trusted, in their text form. */
  keys?: readonly string[] | undefined;
  /** A keyset, and the root key that signed it. */
  keyset?: { root: string; bytes: Uint8Array } | undefined;
  /** A revocation bundle; it needs a keyset with a revocation key. */
  revocation?: Uint8Array | undefined;
  /** While there is no bundle of a licence's issuer, applies the licence's policy for stale revocations. */
  requireRevocation?: boolean | undefined;
  issuer?: string | undefined;
  audience?: string | undefined;
  /** `advisory` allows everything, and reports what would have been denied. */
  mode?: "enforce" | "advisory" | undefined;
  /** Seconds by which the issuer's clock may be ahead; 60. */
  skew?: number | undefined;
  /** Seconds that a proof may be old; 60. */
  proofAge?: number | undefined;
  replayCapacity?: number | undefined;
  /** How many verified tokens are cached; 1,024. */
  cacheCapacity?: number | undefined;
  /**
   * Bytes for the tables of each key, which halve the time of a token that is not cached: 220,160, or at least 81,920.
   * Building them takes some milliseconds per key. By default there are none.
   */
  prepareKeys?: number | undefined;
  marks?: Marks | undefined;
  /** Returns the time; by default the system's. */
  now?: (() => Now) | undefined;
  /** Called with every decision. The check throws what it throws. */
  onEvent?: ((event: LicentiaEvent) => void) | undefined;
}

/** The keys of options, with those of a store. */
export const GATE_KEYS: readonly string[] = [
  "keys", "keyset", "revocation", "requireRevocation", "issuer", "audience", "mode", "skew", "proofAge",
  "replayCapacity", "cacheCapacity", "prepareKeys", "marks", "now", "onEvent", "store", "storeTimeoutMs", "onStoreError",
];

/** Options with a shared store. */
export interface SharedGateOptions extends GateOptions {
  store: Store;
  /** How long a lease may take before the licence's policy decides; 1,000 ms. */
  storeTimeoutMs?: number | undefined;
  /** Called with operations that the store did not complete. */
  onStoreError?: ((failure: StoreFailure) => void) | undefined;
}
