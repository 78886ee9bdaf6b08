// For Cloudflare's runtime, which compiles modules only when they are imported.
import { create } from "./api.js";
import { instantiate } from "./generated/licentia.js";
import module from "./licentia.wasm";

const api = /* @__PURE__ */ create(() => module, instantiate);

export const createGate = api.createGate;
export const verify = api.verify;
export const inspect = api.inspect;
export const prove = api.prove;
export const proofHeader = api.proofHeader;
export const holderKey = api.holderKey;
export const codes = api.codes;
export const decodeLicense = api.decodeLicense;
export const encodeLicense = api.encodeLicense;
export const readKey = api.readKey;
export const periodWindow = api.periodWindow;
export * from "./types.js";
