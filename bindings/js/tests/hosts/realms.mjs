// Modules and failures of another realm, as Next.js' edge sandbox has them, and hosts that compile no WebAssembly.
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { createIssuer } from "licentia/issuer";
import { createLicentia } from "licentia/slim";
import { same } from "../expect.mjs";

const bytes = readFileSync(new URL(import.meta.resolve("licentia/licentia.wasm")));
const realm = createContext({ bytes });
const module = runInContext("new WebAssembly.Module(bytes)", realm);
same(module instanceof WebAssembly.Module, false, "a module of another realm");
same(createLicentia(module).codes().length > 50, true, "which is used as it is");

const { WebAssembly: own } = globalThis;
function failure(host, source = bytes) {
  globalThis.WebAssembly = host;
  try {
    createLicentia(source).codes();
    return "nothing";
  } catch (error) {
    return [error.name, error.codeName, /Content Security Policy|no WebAssembly/.test(error.message)].join();
  } finally {
    globalThis.WebAssembly = own;
  }
}
function refuse() {
  throw new own.CompileError("Refused to compile or instantiate WebAssembly module");
}
same(failure(undefined), "LicentiaError,internal,true", "no WebAssembly");
same(failure({ Module: refuse, Instance: own.Instance }), "LicentiaError,internal,true", "a policy against it");
same(failure(own, new Uint8Array(3)), "LicentiaError,internal,true", "what is no module");
same(failure({ Module: own.Module, Instance: runInContext("(function () { throw new WebAssembly.RuntimeError('unreachable'); })", realm) }), "LicentiaError,internal,false", "a failure of another realm");

// A token that is far too long is neither copied into the module nor kept.
const { publicKey } = createIssuer("acme", { seed: new Uint8Array(32) });
const memories = [];
globalThis.WebAssembly = { Module: own.Module, Instance: function (...given) { const made = new own.Instance(...given); memories.push(made.exports.memory); return made; } };
const kept = createLicentia(bytes).createGate({ keys: [publicKey] });
globalThis.WebAssembly = own;
async function used() {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
const before = await used();
const decisions = [];
for (let round = 0; round < 4; round++) decisions.push(kept.check(`lic1_${"A".repeat(50_000_000)}`));
const grown = (await used() - before) / 1e6;
same([decisions.length, memories.every(({ buffer }) => buffer.byteLength < 8e6)], [4, true], "the module's memory");
same(grown < 10, true, `four tokens of 50 MB keep ${grown} MB`);
console.log("Node: other realms, hosts without WebAssembly, tokens of 50 MB");
