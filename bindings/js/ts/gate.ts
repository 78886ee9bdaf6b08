import { type Decision, GateDecision, type Use } from "./decision.js";
import { calling, LicentiaError } from "./error.js";
import { type Instantiate, type Raw, type RawGate } from "./raw.js";
import { type Packed, packOnce, type Request } from "./request.js";

/** What a store gave: how many units, and how many are taken of the key in all, by everybody. */
export interface Leased {
  granted: number;
  total: number;
}

/** Keeps the quotas that several processes share. */
export interface Store {
  /**
   * Takes up to `want` units of a key, or what is left of `limit`. It must count and answer as one step.
   *
   * `until` is when the period ends (seconds since 1970) and the key may be forgotten; a quota for life has none.
   */
  lease(key: string, want: number, limit: number, until: number | undefined): Leased | Promise<Leased>;
  /** Gives back units that were not used. */
  release?(key: string, units: number): void | Promise<void>;
}

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
  marks?: Marks | undefined;
  /** Gives the time; by default that of the system. */
  now?: (() => Now) | undefined;
  /** Is given every decision. What it throws is not caught. */
  onEvent?: ((event: LicentiaEvent) => void) | undefined;
}

/** Options with a shared store. */
export interface SharedGateOptions extends GateOptions {
  store: Store;
}

/** What every gate can do. */
interface AnyGate {
  /** Loads a newer keyset; `false` where it is the one in use. */
  loadKeyset(keyset: Uint8Array): boolean;
  /** Loads a newer revocation bundle or delta; `false` where it is the one in use. */
  loadRevocation(bundle: Uint8Array): boolean;
}

/** A gate that counts in its own memory. */
export interface Gate extends AnyGate {
  /** Decides whether a request that came with a token may go on. */
  check(token: string, request?: Request): Decision;
}

/** A gate whose quotas are shared. */
export interface SharedGate extends AnyGate {
  /** Decides; fetches units from the store first, where too few are here. */
  check(token: string, request?: Request): Promise<Decision>;
  /** Gives unused units back. The gate can go on afterwards. */
  close(): Promise<void>;
}

const SECOND = 1000;
/** How often a request fetches again because others used what it had fetched. */
const ROUNDS = 8;

function system(): Now {
  return { seconds: Math.floor(Date.now() / SECOND), monotonicMs: performance.now() };
}

const NOTHING: Request = Object.freeze({});

class Core {
  readonly #options: GateOptions;
  readonly #leases: boolean;
  readonly #instantiate: Instantiate<Raw>;
  readonly #marks = new Map<string, Uint8Array>();
  readonly use: Use;
  #raw: Raw;
  #gate: RawGate;
  #keyset: Uint8Array | undefined;
  #bundles: Uint8Array[] = [];

  constructor(instantiate: Instantiate<Raw>, options: GateOptions, leases: boolean) {
    this.#options = options;
    this.#leases = leases;
    this.#instantiate = instantiate;
    this.#keyset = options.keyset?.bytes;
    if (options.revocation !== undefined) this.#bundles = [options.revocation];
    this.#raw = instantiate();
    this.#gate = this.#build();
    // The instance belongs to the gate: with the gate its memory goes, so that nothing has to be freed.
    this.use = (use) => calling(() => use(this.#raw));
  }

  #build(): RawGate {
    const options = this.#options;
    const gate = calling(() => {
      const gate = new this.#raw.RawGate(this.#leases, options.mode === "advisory");
      for (const key of options.keys ?? []) gate.key(key);
      if (options.keyset !== undefined) gate.keyset(options.keyset.root, this.#keyset ?? options.keyset.bytes);
      for (const name of ["issuer", "audience"] as const) {
        const value = options[name];
        if (value !== undefined) gate.text(name, value);
      }
      gate.number("cacheCapacity", options.cacheCapacity ?? 1024);
      for (const name of ["skew", "proofAge", "replayCapacity"] as const) {
        const value = options[name];
        if (value !== undefined) gate.number(name, value);
      }
      for (const name of ["clock.mark", "keyset.seen", "revocation.seen"]) {
        const value = this.#marks.get(name) ?? options.marks?.load(name);
        if (value !== undefined) gate.setMark(name, value);
      }
      gate.changed();
      gate.build();
      for (const bundle of this.#bundles) gate.loadRevocation(bundle);
      return gate;
    });
    this.#gate = gate;
    this.#remember();
    return gate;
  }

  /** Calls the gate. An instance that has trapped is in no state to go on: another one takes its place. */
  call<R>(call: (gate: RawGate) => R): R {
    try {
      return calling(() => call(this.#gate));
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) {
        this.#raw = this.#instantiate();
        this.#build();
        throw new LicentiaError(900, "internal", "the module failed and was replaced; try again");
      }
      throw error;
    }
  }

  #remember(): void {
    const changed = this.#gate.changed();
    if (changed === "") return;
    for (const name of changed.split("\0")) {
      const value = this.#gate.mark(name);
      if (value === undefined) continue;
      this.#marks.set(name, value);
      this.#options.marks?.save(name, value);
    }
  }

  now(): Now {
    return (this.#options.now ?? system)();
  }

  #seconds = -1;

  check(token: string, request: Request, packed: Packed, now: Now): Decision {
    const { seconds, monotonicMs } = now;
    let told: string | undefined;
    const answer = this.call((gate) => {
      const answer = gate.check(token, packed.words, packed.numbers, packed.bytes, seconds, monotonicMs);
      if (((answer[0] ?? 0) & 4) !== 0) told = gate.told();
      return answer;
    });
    // The clock's mark changes at most once a second.
    if (this.#seconds !== seconds) {
      this.#seconds = seconds;
      this.#remember();
    }
    const decision = new GateDecision(answer, told, token, packed, this.use);
    const { onEvent } = this.#options;
    if (onEvent !== undefined) {
      onEvent({ at: seconds, action: request.action ?? "", source: request.source ?? "", decision });
    }
    return decision;
  }

  loadKeyset(keyset: Uint8Array): boolean {
    const loaded = this.call((gate) => gate.loadKeyset(keyset));
    if (loaded) this.#keyset = keyset;
    this.#remember();
    return loaded;
  }

  loadRevocation(bundle: Uint8Array): boolean {
    const loaded = this.call((gate) => gate.loadRevocation(bundle));
    if (loaded) this.#bundles.push(bundle);
    this.#remember();
    return loaded;
  }
}

/** Makes a gate that counts in memory. */
export function localGate(instantiate: Instantiate<Raw>, options: GateOptions): Gate {
  const core = new Core(instantiate, options, false);
  return {
    check: (token, request = NOTHING) => core.check(token, request, packOnce(request), core.now()),
    loadKeyset: (keyset) => core.loadKeyset(keyset),
    loadRevocation: (bundle) => core.loadRevocation(bundle),
  };
}

/** Makes a gate that leases units from a store. */
export function sharedGate(instantiate: Instantiate<Raw>, options: SharedGateOptions): SharedGate {
  const core = new Core(instantiate, options, true);
  const { store } = options;

  /** Fetches a lease; whether it brought anything. */
  async function fetch(id: number, key: string, want: number, limit: number, until: string): Promise<boolean> {
    try {
      const leased = await store.lease(key, want, limit, until === "" ? undefined : Number(until));
      core.call((gate) => gate.granted(id, leased.granted, leased.total));
      return leased.granted > 0;
    } catch {
      // The licence's policy says what follows.
      core.call((gate) => gate.lost(id));
      return false;
    }
  }

  return {
    async check(token, request = NOTHING) {
      const packed = packOnce(request);
      const { words, numbers, bytes } = packed;
      for (let round = 0; round < ROUNDS && packed.names.length > packed.rates; round++) {
        const { seconds, monotonicMs } = core.now();
        const wishes = core.call((gate) => gate.wishes(token, words, numbers, bytes, seconds, monotonicMs));
        if (wishes === "") break;
        const parts = wishes.split("\0");
        const leases: Promise<boolean>[] = [];
        for (let at = 0; at + 4 < parts.length; at += 5) {
          const [id, key = "", want, limit, until = ""] = parts.slice(at, at + 5);
          leases.push(fetch(Number(id), key, Number(want), Number(limit), until));
        }
        if (!(await Promise.all(leases)).includes(true)) break;
      }
      return core.check(token, request, packed, core.now());
    },
    async close() {
      const left = core.call((gate) => gate.drain());
      if (left === "") return;
      const parts = left.split("\0");
      for (let at = 0; at + 1 < parts.length; at += 2) {
        await store.release?.(parts[at] ?? "", Number(parts[at + 1]));
      }
    },
    loadKeyset: (keyset) => core.loadKeyset(keyset),
    loadRevocation: (bundle) => core.loadRevocation(bundle),
  };
}
