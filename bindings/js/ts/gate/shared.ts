// A gate that leases units from a store.
import { Core } from "./core.js";
import { Pending } from "./pending.js";
import { optionalFunction, token as checkedToken } from "../arguments.js";
import { coded, wrong } from "../error.js";
import type { Decision } from "./decision.js";
import type { SharedGate } from "./gate.js";
import { STORE_UNREACHABLE } from "../generated/codes.js";
import type { Instantiate } from "../module/instance.js";
import type { Raw } from "../module/port.js";
import type { SharedGateOptions } from "./options.js";
import { checkedAbout, NOTHING, packOnce } from "./request.js";
import type { StoreFailure } from "./store.js";

/** How often a request leases again because others have used its units. */
const ROUNDS = 8;
/** How long a request waits for a lease by default. */
const PATIENCE_MS = 1000;
/** Units that are unused for this long go back with the next request. */
const IDLE_MS = 10_000;

/** Groups of words that crossed as one text. */
function groups(text: string, size: number): string[][] {
  const words = text === "" ? [] : text.split("\0");
  return Array.from({ length: words.length / size }, (_, at) => words.slice(at * size, (at + 1) * size));
}

/** Makes a gate that leases units from a store. */
export function sharedGate(instantiate: Instantiate<Raw>, options: SharedGateOptions): SharedGate {
  const { store, storeTimeoutMs = PATIENCE_MS, onStoreError } = options;
  if (typeof store?.lease !== "function") throw wrong("a store must have a function lease");
  optionalFunction(store.release, "a store's release");
  optionalFunction(onStoreError, "onStoreError");
  const core = new Core(instantiate, options, true);
  let lookedAt = -Infinity;

  function failed(failure: StoreFailure): void {
    onStoreError?.(failure);
  }

  /** Returns units to the store. Units that it does not take are lost, and never granted twice. */
  async function release(key: string, units: number): Promise<boolean> {
    try {
      await store.release?.(key, units);
      return true;
    } catch (error) {
      failed({ operation: "release", key, units, error });
      return false;
    }
  }

  async function releaseAll(left: string): Promise<boolean> {
    const released = groups(left, 2).map(([key = "", units]) => release(key, Number(units)));
    return !(await Promise.all(released)).includes(false);
  }

  /** Leases units; returns whether any were granted. */
  async function lease(key: string, want: number, need: number, limit: number, until: string): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${storeTimeoutMs} ms`)), storeTimeoutMs);
    });
    const fetched = (async () => {
      const forgotten = until === "" ? undefined : Number(until);
      const { granted, total } = await store.lease(key, want, limit, forgotten, need);
      // Units that come late are used too. If no request waits for them, they go back.
      if (!core.use((raw) => raw.granted(key, granted, total)) && granted > 0) await release(key, granted);
      return granted > 0;
    })();
    try {
      return await Promise.race([fetched, late]);
    } catch (error) {
      // The check then applies the licence's policy.
      core.use((raw) => raw.lost(key));
      failed({ operation: "lease", key, units: want, error });
      fetched.catch(() => {});
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async function check(...[given, request = NOTHING, about]: Parameters<SharedGate["check"]>): Promise<Decision> {
    const token = checkedToken(given), packed = packOnce(request), said = checkedAbout(about);
    const { words, numbers, bytes } = packed;
    for (let round = 0; round < ROUNDS && packed.names.length > packed.rates; round++) {
      const { seconds, monotonicMs } = core.now();
      const wishes = core.use((raw) => raw.wishes(token, words, numbers, bytes, seconds, monotonicMs));
      const leases = groups(wishes, 5).map(([key = "", want, need, limit, until = ""]) => (
        lease(key, Number(want), Number(need), Number(limit), until)
      ));
      if (monotonicMs - lookedAt >= IDLE_MS) {
        lookedAt = monotonicMs;
        await releaseAll(core.use((raw) => raw.idle(seconds, monotonicMs)));
      }
      if (!(await Promise.all(leases)).includes(true)) break;
    }
    return core.check(token, packed, said, core.now());
  }

  return {
    check: (...given) => Pending.of(check(...given)),
    async close() {
      const released = await releaseAll(core.use((raw) => raw.drain()));
      if (!released) throw coded(STORE_UNREACHABLE);
    },
    loadKeyset: (keyset) => core.loadKeyset(keyset),
    loadRevocation: (bundle) => core.loadRevocation(bundle),
    presented: (header) => core.presented(header),
  };
}
