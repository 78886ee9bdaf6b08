// What a gate is made from, and what it reports.
import type { Decision } from "./decision.js";
import type { Store, StoreFailure } from "./store.js";

/** Keeps what a gate must remember over a restart: the clock's mark, the newest keyset and bundle. */
export interface Marks {
  load(name: string): Uint8Array | undefined;
  save(name: string, value: Uint8Array): void;
}

/** The time: seconds since 1970, and milliseconds of a clock that only advances. */
export interface Now {
  seconds: number;
  monotonicMs: number;
}

/** A decision, and its circumstances. It holds no token and no key. */
export interface LicentiaEvent {
  at: number;
  action: string;
  source: string;
  decision: Decision;
}

/** How a gate is made. */
export interface GateOptions {
  /** Public keys that are trusted, in their text form. */
  keys?: readonly string[] | undefined;
  /** A keyset, and the root key that signed it. */
  keyset?: { root: string; bytes: Uint8Array } | undefined;
  /** A revocation bundle; it needs a keyset with a revocation key. */
  revocation?: Uint8Array | undefined;
  /** Refuses licences, as their policy for stale revocations says, while there is no bundle of their issuer. */
  requireRevocation?: boolean | undefined;
  issuer?: string | undefined;
  audience?: string | undefined;
  /** `advisory` allows everything and says what would have been denied. */
  mode?: "enforce" | "advisory" | undefined;
  /** Seconds by which the issuer's clock may be ahead; 60. */
  skew?: number | undefined;
  /** Seconds that a proof may be old; 60. */
  proofAge?: number | undefined;
  replayCapacity?: number | undefined;
  /** How many verified tokens are kept; 1,024. */
  cacheCapacity?: number | undefined;
  /**
   * Bytes to spend on tables for each key, which make a token that was not seen before take half the time: 220,160, or
   * at least 81,920. Making them takes some milliseconds for each key. Without it there are none.
   */
  prepareKeys?: number | undefined;
  marks?: Marks | undefined;
  /** Gives the time; by default that of the system. */
  now?: (() => Now) | undefined;
  /** Is given every decision. What it throws, the check throws. */
  onEvent?: ((event: LicentiaEvent) => void) | undefined;
}

/** Options with a shared store. */
export interface SharedGateOptions extends GateOptions {
  store: Store;
  /** How long a lease may take before the licence's policy decides; 1,000 ms. */
  storeTimeoutMs?: number | undefined;
  /** Is told what the store could not do. */
  onStoreError?: ((failure: StoreFailure) => void) | undefined;
}
