export {
  type Code, type Charge, type Decision, DeniedError, type Refusal, type State, type Step, type Verdict,
} from "./gate/decision.js";
export { LicentiaError } from "./error.js";
export type { Gate, SharedGate } from "./gate/gate.js";
export type { GateOptions, LicentiaEvent, Marks, Now, SharedGateOptions } from "./gate/options.js";
export type { Action, Feature, License, Period, Quota, Rate } from "./license.js";
export { type About, type Costs, type Proof, type Request, request } from "./gate/request.js";
export type { Licentia, ProofRequest, Verifier, VerifyOptions } from "./api.js";
export type { ModuleSource } from "./module/instance.js";
export type { Leased, Store, StoreFailure } from "./gate/store.js";
