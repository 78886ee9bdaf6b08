import { Core } from "./core.js";
import type { Decision } from "./decision.js";
import type { GateOptions } from "./options.js";
import type { Instantiate } from "../module/instance.js";
import type { Raw } from "../module/port.js";
import { type About, NOTHING, packOnce, type Request } from "./request.js";

/** What every gate can do. */
export interface AnyGate {
  /** Loads a newer keyset; `false` where it is the one in use. */
  loadKeyset(keyset: Uint8Array): boolean;
  /** Loads a newer revocation bundle or delta; `false` where it is the one in use. */
  loadRevocation(bundle: Uint8Array): boolean;
  /**
   * What an HTTP request presents: the token of `Authorization: Bearer`, empty where there is none, and the proof.
   * `header` gives the value of a field by its name, which is in lower case.
   */
  presented(header: (name: string) => string | null | undefined): { token: string; proof: string | undefined };
}

/** A gate that counts in its own memory. */
export interface Gate extends AnyGate {
  /** Decides whether a request that came with a token may go on. */
  check(token: string, request?: Request, about?: About): Decision;
}

/** A gate whose quotas are shared. */
export interface SharedGate extends AnyGate {
  /** Decides; fetches units from the store first, where too few are here. */
  check(token: string, request?: Request, about?: About): Promise<Decision>;
  /**
   * Gives unused units back; call it before the process ends. The gate can go on afterwards. Where the store does not
   * take all of them, the others are lost, and this is rejected.
   */
  close(): Promise<void>;
}

/** Makes a gate that counts in memory. */
export function localGate(instantiate: Instantiate<Raw>, options: GateOptions): Gate {
  const core = new Core(instantiate, options, false);
  return {
    check: (token, request = NOTHING, about = NOTHING) => core.check(token, packOnce(request), about, core.now()),
    loadKeyset: (keyset) => core.loadKeyset(keyset),
    loadRevocation: (bundle) => core.loadRevocation(bundle),
    presented: (header) => core.presented(header),
  };
}
