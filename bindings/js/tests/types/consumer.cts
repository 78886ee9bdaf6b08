import { createGate, type Decision, type Gate, request, type SharedGate, verify } from "licentia";
import { createIssuer } from "licentia/issuer";
import { hono, licensed } from "licentia/fetch";
import { licensed as express } from "licentia/express";
import { createVerifier } from "licentia/slim";
import { memoryStore } from "licentia/stores";

const issuer = createIssuer("acme", { seed: new Uint8Array(32) });
const gate: Gate = createGate({ keys: [issuer.publicKey] });
const shared: SharedGate = createGate({ keys: [issuer.publicKey], store: memoryStore() });
const decision: Decision = gate.check("lic1_", request({ features: ["export"], meters: { calls: 1 } }));
const later: Promise<Decision> = shared.check("lic1_");
const allowed: boolean = verify("lic1_", issuer.publicKey).allowed;
export const handler = licensed(gate, (_request, { status }) => new Response(String(status)));
export const all = [decision, later, allowed, hono(gate), express(gate), createVerifier(new Uint8Array())];
// @ts-expect-error a gate without a store is not asynchronous
export const wrong: Promise<Decision> = gate.check("lic1_");
