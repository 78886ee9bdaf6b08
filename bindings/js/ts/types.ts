export {
  type Code, type Charge, type Decision, DeniedError, type Refusal, type State, type Step, type Verdict,
} from "./decision.js";
export { LicentiaError } from "./error.js";
export type { Gate, GateOptions, LicentiaEvent, Marks, Now, SharedGate, SharedGateOptions } from "./gate.js";
export type { Action, Feature, License, Period, Quota, Rate } from "./license.js";
export { type About, type Costs, type Proof, type Request, request } from "./request.js";
export type { Licentia, ProofRequest, Verifier, VerifyOptions } from "./api.js";
export type { ModuleSource } from "./raw.js";
export type { Leased, Store, StoreFailure } from "./store.js";
