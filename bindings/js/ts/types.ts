export { type Code, type Charge, type Decision, DeniedError, type License, type State, type Step, type Verdict }
  from "./decision.js";
export { LicentiaError } from "./error.js";
export type {
  Gate, GateOptions, Leased, LicentiaEvent, Marks, Now, SharedGate, SharedGateOptions, Store,
} from "./gate.js";
export { type Costs, type Proof, type Request, request } from "./request.js";
export type { Licentia, Period, ProofRequest, Verifier, VerifyOptions } from "./api.js";
export type { ModuleSource } from "./raw.js";
