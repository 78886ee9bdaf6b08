import { createGate, type Decision, DeniedError, type Gate, LicentiaError, prove, proofHeader, request, type SharedGate, type Verdict, verify } from "licentia";
import { createIssuer, generateKey } from "licentia/issuer";
import { hono, licensed } from "licentia/fetch";
import { licensed as express } from "licentia/express";
import { createVendor, createVerifier } from "licentia/slim";
import { memoryStore } from "licentia/stores";

const issuer = createIssuer("acme", { seed: new Uint8Array(32) });
const gate: Gate = createGate({ keys: [issuer.publicKey] });
const shared: SharedGate = createGate({
  keys: [issuer.publicKey], store: memoryStore(), storeTimeoutMs: 200, onStoreError: ({ operation, key }) => console.log(operation, key),
});
const decision: Decision = gate.check("lic1_", request({ features: ["export"], meters: { calls: 1 } }), { action: "GET /" });
const later: Promise<Decision> = shared.check("lic1_");
const verdict: Verdict = verify("lic1_", issuer.publicKey);
const tier: string | undefined = verdict.license?.tier.name;
const value: true | number | string | undefined = decision.license?.features["export"]?.value;
const headers: Record<string, string> = proofHeader(prove({ seed: new Uint8Array(32), token: "lic1_", method: "GET", uri: "/" }));
export const handler = licensed(gate, (_request, { status }) => new Response(String(status)));
export const worker = licensed((_request, env: { gate: SharedGate }) => env.gate, () => new Response());
export const all = [later, tier, value, headers, hono(gate), hono(() => shared), express(gate), express(() => gate)];
export const more = [createVerifier(new Uint8Array()), createVendor(new Uint8Array()), generateKey("secret")];
try {
  decision.raiseForDenied();
} catch (error) {
  if (error instanceof DeniedError) console.log(error.decision.name);
  else if (error instanceof LicentiaError) console.log(error.codeName);
}
// @ts-expect-error a gate without a store is not asynchronous
export const wrong: Promise<Decision> = gate.check("lic1_");
// @ts-expect-error no licence has such a claim
export const none = decision.license?.subject;
