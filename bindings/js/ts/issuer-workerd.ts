// The vendor's side, for hosts that compile modules when they are imported.
import { instantiate } from "./generated/issuer.js";
import module from "./issuer.wasm";
import { instances } from "./module/instance.js";
import { vendor } from "./vendor.js";

const api = /* @__PURE__ */ vendor(/* @__PURE__ */ instances(() => module, instantiate));

export const createIssuer = api.createIssuer;
export const generateKey = api.generateKey;
export type { Draft, Issuer, IssuerKey } from "./vendor.js";
