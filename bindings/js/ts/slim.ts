// Without the module: the caller passes its bytes, or the compiled module.
import { create, type Licentia, type Verifier, verifier } from "./api.js";
import { instantiate } from "./generated/licentia.js";
import { instantiate as instantiateVendor } from "./generated/issuer.js";
import { instantiate as instantiateVerifier } from "./generated/verify.js";
import { instances, Live, type ModuleSource } from "./module/instance.js";
import { RawVerifier } from "./module/port.js";
import { type Vendor, vendor } from "./vendor.js";

/** Makes everything of `licentia/licentia.wasm`. */
export function createLicentia(source: ModuleSource): Licentia {
  return create(() => source, instantiate);
}

/** Makes a verifier of `licentia/verify.wasm`, which is smaller. */
export function createVerifier(source: ModuleSource): Verifier {
  const live = new Live(instances(() => source, (module) => new RawVerifier(instantiateVerifier(module))));
  return verifier((call) => live.use(call));
}

/** Makes the vendor's side of `licentia/issuer.wasm`. */
export function createVendor(source: ModuleSource): Vendor {
  return vendor(instances(() => source, instantiateVendor));
}

export * from "./types.js";
export type { Draft, Issuer, IssuerKey, Vendor } from "./vendor.js";
