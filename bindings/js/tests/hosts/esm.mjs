import * as api from "licentia";
import * as stores from "licentia/stores";
import { createIssuer } from "licentia/issuer";
import { readFileSync } from "node:fs";
import { createLicentia, createVerifier } from "licentia/slim";
import { report, run } from "../vectors.mjs";
import { smoke } from "../smoke.mjs";
import { files } from "./load.mjs";

const host = globalThis.Deno ? "Deno" : globalThis.Bun ? "Bun" : "Node, ESM";
console.log(report(host, await run(api, stores, files())));
const bytes = (name) => readFileSync(new URL(import.meta.resolve(`licentia/${name}.wasm`)));
smoke(api, createIssuer);
smoke(createLicentia(bytes("licentia")), createIssuer);
const verifier = createVerifier(bytes("verify"));
console.log(report(`${host}, slim`, await run({ ...api, ...verifier }, stores, files())));
