// The vendor's side, in a module of its own.
import { bytes } from "./generated/issuer-inline.js";
import { instantiate } from "./generated/issuer.js";
import { instances } from "./module/instance.js";
import { vendor } from "./vendor.js";

const api = /* @__PURE__ */ vendor(/* @__PURE__ */ instances(bytes, instantiate));

export const createIssuer = api.createIssuer;
export const generateKey = api.generateKey;
export type { Draft, Issuer, IssuerKey } from "./vendor.js";
