import { Core } from "./core.js";
import type { Decision } from "./decision.js";
import type { GateOptions } from "./options.js";
import type { Instantiate } from "../module/instance.js";
import type { Raw } from "../module/port.js";
import { token as checkedToken } from "../arguments.js";
import { type About, checkedAbout, NOTHING, packOnce, type Request } from "./request.js";

/** What local and shared gates have in common. */
export interface AnyGate {
  /** Loads a newer keyset; returns `false` if it is the one in use. */
  loadKeyset(keyset: Uint8Array): boolean;
  /** Loads a newer revocation bundle or delta; returns `false` if it is the one in use. */
  loadRevocation(bundle: Uint8Array): boolean;
  /**
   * Finds the token of `Authorization: Bearer` (empty if there is none) and the proof in an HTTP request. `header`
   * returns the value of a field by its lower-case name.
   */
  presented(header: (name: string) => string | null | undefined): { token: string; proof: string | undefined };
}

/** A gate that counts in its own memory. */
export interface Gate extends AnyGate {
  /** Decides whether a request with a token may proceed. */
  check(token: string | null | undefined, request?: Request, about?: About): Decision;
}

/** A gate whose quotas are shared. */
export interface SharedGate extends AnyGate {
  /** Decides whether a request with a token may proceed. Leases units from the store first if the gate lacks them. */
  check(token: string | null | undefined, request?: Request, about?: About): Promise<Decision>;
  /**
   * Returns unused units to the store; call it before the process ends. The gate can be used afterwards. Units that the
   * store does not take are lost, and the promise is rejected.
   */
  close(): Promise<void>;
}

/** Makes a gate that counts in memory. */
export function localGate(instantiate: Instantiate<Raw>, options: GateOptions): Gate {
  const core = new Core(instantiate, options, false);
  return {
    check: (token, request = NOTHING, about) => (
      core.check(checkedToken(token), packOnce(request), checkedAbout(about), core.now())
    ),
    loadKeyset: (keyset) => core.loadKeyset(keyset),
    loadRevocation: (bundle) => core.loadRevocation(bundle),
    presented: (header) => core.presented(header),
  };
}
