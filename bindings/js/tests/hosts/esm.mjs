import * as api from "licentia";
import * as stores from "licentia/stores";
import * as issuers from "licentia/issuer";
import { readFileSync } from "node:fs";
import { createLicentia, createVendor, createVerifier } from "licentia/slim";
import { behaviour } from "../behaviour.mjs";
import { report, run } from "../vectors.mjs";
import { smoke } from "../smoke.mjs";
import { files } from "./load.mjs";

const host = globalThis.Deno ? "Deno" : globalThis.Bun ? "Bun" : "Node, ESM";
console.log(report(host, await run(api, stores, files())));
const bytes = (name) => readFileSync(new URL(import.meta.resolve(`licentia/${name}.wasm`)));
smoke(api, issuers.createIssuer);
await behaviour(api, stores, issuers);
const { DeniedError, LicentiaError, request } = api;
await behaviour({ ...createLicentia(bytes("licentia")), DeniedError, LicentiaError, request }, stores, createVendor(bytes("issuer")));
const verifier = createVerifier(bytes("verify"));
console.log(report(`${host}, slim`, await run({ ...api, ...verifier }, stores, files())));
