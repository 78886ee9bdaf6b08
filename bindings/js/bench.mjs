// Warm and cold decisions beside jose, @noble/curves and biscuit-wasm, in one run: `cargo xtask bench javascript`.
// All hold the same claims.
import { readFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519.js";
import { generateKeyPair, jwtVerify, SignJWT } from "jose";
import { do_not_optimize as keep, measure } from "mitata";
import { createGate, verify, request } from "./dist/index.js";
import { createIssuer } from "./dist/issuer.js";

// What libraries say while they load is no figure.
console.log = console.error;

// biscuit-wasm imports its module, which Node does not: the same glue, loaded by hand.
async function biscuitModule() {
  const folder = new URL("node_modules/@biscuit-auth/biscuit-wasm/module/", import.meta.url);
  const source = readFileSync(new URL("biscuit_bg.js", folder), "utf8");
  const glue = await import(`data:text/javascript;base64,${btoa(unescape(encodeURIComponent(
    source.replace(/from '\.\/snippets/g, `from '${folder.href}snippets`).replace(/from "\.\/snippets/g, `from "${folder.href}snippets`),
  )))}`);
  const module = new WebAssembly.Module(readFileSync(new URL("biscuit_bg.wasm", folder)));
  const imports = Object.fromEntries(WebAssembly.Module.imports(module).map(({ module }) => [module, glue]));
  const performance_ = await import("node:perf_hooks");
  for (const name of Object.keys(imports)) if (!name.includes("biscuit_bg")) imports[name] = { performance_now: () => performance_.performance.now() };
  const { exports } = new WebAssembly.Instance(module, imports);
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start?.();
  return glue;
}

const catalogue = `
[[tier]]
name = "pro"
version = 1
term = "1 year"
features = { export = true, sso = true }
quotas = { calls = "9000000000/month" }
rates = { api = "100000000/1s" }
`;
const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
const token = issuer.issue(catalogue, { tier: "pro", subject: "cus_42" });
const warmGate = createGate({ keys: [issuer.publicKey] });
const coldGate = createGate({ keys: [issuer.publicKey], cacheCapacity: 0, prepareKeys: 220_160 });
const plainGate = createGate({ keys: [issuer.publicKey], cacheCapacity: 0 });
const route = request({ features: ["export"], rates: ["api"], meters: ["calls"] });
if (!warmGate.check(token, route).allowed) throw new Error("denied");

const claims = { sub: "cus_42", tier: ["pro", 1], features: { export: true, sso: true }, quotas: { calls: [9e9, 5] }, rates: { api: [1e8, 1000] } };
const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
const jwt = await new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).setIssuer("acme").setExpirationTime("1y").sign(privateKey);

const { secretKey, publicKey: noblePublic } = ed25519.keygen();
const message = new TextEncoder().encode(JSON.stringify(claims));
const signature = ed25519.sign(message, secretKey);
const webKey = await crypto.subtle.importKey("raw", noblePublic, "Ed25519", false, ["verify"]);

const peers = {
  "licentia, warm": () => keep(warmGate.check(token, route)),
  "licentia, cold": () => keep(coldGate.check(token, route)),
  "licentia, cold, no tables": () => keep(plainGate.check(token, route)),
  "licentia, verify": () => keep(verify(token, issuer.publicKey)),
  "jose, EdDSA": async () => keep(await jwtVerify(jwt, publicKey, { issuer: "acme" })),
  "WebCrypto, signature alone": async () => keep(await crypto.subtle.verify("Ed25519", webKey, signature, message)),
  "@noble/curves, signature alone": () => keep(ed25519.verify(signature, message, noblePublic)),
};
const { Biscuit, KeyPair, SignatureAlgorithm, BiscuitBuilder, AuthorizerBuilder } = await biscuitModule();
const pair = new KeyPair(SignatureAlgorithm.Ed25519);
const builder = new BiscuitBuilder();
builder.addCode('subject("cus_42"); tier("pro", 1); feature("export"); feature("sso"); quota("calls", 9000000000);');
const text = builder.build(pair.getPrivateKey()).toBase64();
const root = pair.getPublicKey();
peers["biscuit-wasm"] = () => {
  const biscuit = Biscuit.fromBase64(text, root);
  const authorizerBuilder = new AuthorizerBuilder();
  authorizerBuilder.addCode('allow if feature("export");');
  const authorizer = authorizerBuilder.buildAuthenticated(biscuit);
  // Its own limit of a millisecond would stop it on a busy machine.
  keep(authorizer.authorizeWithLimits({ max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 }));
  authorizer.free?.();
  biscuit.free();
};

// Each in turn, several times, and in small batches, so that what else the machine does meets all of them alike. Of each
// the median of its rounds' medians and half of their range, in nanoseconds, for `cargo xtask bench` to read.
const rounds = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
for (let round = 0; round < 5; round++) {
  for (const [name, peer] of Object.entries(peers)) {
    const { p50 } = await measure(peer, { min_cpu_time: 0.3e9, batch_samples: 128 });
    rounds[name].push(p50);
  }
}
for (const [name, found] of Object.entries(rounds)) {
  found.sort((a, b) => a - b);
  process.stdout.write(`${found[2].toFixed(1)} ${((found[4] - found[0]) / 2).toFixed(1)} ${name}\n`);
}
