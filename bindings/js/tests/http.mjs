// What every middleware answers, over whatever server: `expectations(ask)` asks it.
import { same } from "./expect.mjs";

const CATALOGUE = `
[[tier]]
name = "pro"
version = 1
term = "1 year"
features = { export = true }
quotas = { calls = "2/month" }
rates = { api = "20/1s" }
`;
const ROUTES = {
  "/export": { features: ["export"], rates: ["api"] },
  "/sso": { features: ["sso"] },
  "/calls": { meters: ["calls"] },
  "/down": { meters: ["calls"] },
  "/proof": { origin: "https://api.example" },
};

/** The routes with a gate for each: one whose store is out of reach, and one that comes with the request. */
export function routes(api, { createIssuer }) {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const gate = api.createGate({ keys: [issuer.publicKey] });
  const down = api.createGate({ keys: [issuer.publicKey], store: { lease: () => Promise.reject(new Error("cut off")) } });
  return Object.entries(ROUTES).map(([path, route]) => [path, path === "/down" ? () => down : gate, route]);
}

/** A handler for servers of the `fetch` kind. */
export function fetchHandler(api, issuers, { licensed }) {
  const served = (_request, decision) => Response.json({ sub: decision.license.sub });
  const handlers = new Map(routes(api, issuers).map(([path, gate, route]) => [path, licensed(gate, served, route)]));
  return (request) => handlers.get(new URL(request.url).pathname)(request);
}

/** Asks a server; `ask(path, headers)` gives its response. */
export async function expectations(host, api, { createIssuer }, ask) {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const issue = (draft) => issuer.issue(CATALOGUE, { tier: "pro", subject: "cus_42", ...draft });
  const token = issue();
  const bearer = (token) => ({ authorization: `Bearer ${token}` });

  async function answers(path, headers, status, code, fields = {}) {
    const response = await ask(path, headers);
    const body = await response.json();
    const what = `${host}: ${path}`;
    same([response.status, body.name], [status, code], what);
    if (code !== undefined) {
      same(response.headers.get("content-type"), "application/problem+json", what);
      same([body.type, body.status], [`urn:licentia:code:${code}`, status], what);
    } else {
      same(body.sub, "cus_42", what);
    }
    for (const [name, value] of Object.entries(fields)) {
      const found = response.headers.get(name);
      same(value instanceof RegExp ? value.test(found) : found === value, true, `${what}: ${name}: ${found}`);
    }
  }

  await answers("/export", bearer(token), 200, undefined, { "ratelimit-policy": '"api";q=20;w=1', ratelimit: /^"api";r=19;t=\d$/ });
  await answers("/export", {}, 401, "missing_token", { "www-authenticate": "Bearer" });
  await answers("/export", { authorization: "Basic abc" }, 401, "missing_token", { "www-authenticate": "Bearer" });
  await answers("/export", bearer(`${token}A`), 401, "malformed_text", { "www-authenticate": /^Bearer error="invalid_token"/ });
  await answers("/sso", bearer(token), 403, "feature_not_licensed", { "www-authenticate": /^Bearer error="insufficient_scope"/ });
  for (const left of [1, 0]) {
    await answers("/calls", bearer(token), 200, undefined, { "ratelimit-policy": '"calls";q=2', ratelimit: new RegExp(`^"calls";r=${left};t=\\d+$`) });
  }
  await answers("/calls", bearer(token), 429, "quota_exceeded", { "retry-after": /^\d+$/, ratelimit: /^"calls";r=0;t=\d+$/ });
  await answers("/down", bearer(token), 503, "store_unreachable");

  const seed = new Uint8Array(32).fill(9);
  const bound = issue({ holder: api.holderKey(seed).publicKey });
  const uri = "https://api.example/proof?a=b%20c";
  const proof = api.proofHeader(api.prove({ seed, token: bound, method: "GET", uri }));
  const path = "/proof?a=b%20c";
  await answers(path, bearer(bound), 401, "proof_required", { "www-authenticate": /^Bearer error="proof_required"/ });
  await answers(path, { ...bearer(bound), "licentia-proof": `${Object.values(proof)[0]}=` }, 401, "proof_malformed");
  await answers("/proof", { ...bearer(bound), ...proof }, 401, "proof_wrong_uri");
  await answers(path, { ...bearer(bound), ...proof }, 200);
  await answers(path, { ...bearer(bound), ...proof }, 401, "proof_replayed");
  console.log(`${host}: 200, 401, 403, 429 and 503 with their fields, and proofs`);
}
