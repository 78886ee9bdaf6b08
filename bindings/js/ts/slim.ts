// Without the module: the caller passes its bytes, or the compiled module.
import { create, type Licentia, type Verifier, verifier } from "./api.js";
import { instantiate } from "./generated/licentia.js";
import { instantiate as instantiateVerifier } from "./generated/verify.js";
import { instances, lasting, type ModuleSource } from "./raw.js";

/** Makes everything of `licentia/licentia.wasm`. */
export function createLicentia(source: ModuleSource): Licentia {
  return create(() => source, instantiate);
}

/** Makes a verifier of `licentia/verify.wasm`, which is smaller. */
export function createVerifier(source: ModuleSource): Verifier {
  return verifier(lasting(instances(() => source, instantiateVerifier)));
}

export * from "./types.js";
