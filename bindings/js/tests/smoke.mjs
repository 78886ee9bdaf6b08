// Issues a licence, checks it at a gate, and proves possession.
function expect(found, expected, what) {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
}

export const CATALOGUE = `
[[tier]]
name = "pro"
version = 1
term = "1 year"
features = { export = true }
quotas = { calls = "100/month" }
rates = { api = "20/1s" }
`;

export function smoke(api, createIssuer) {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const now = 1_800_000_000;
  const token = issuer.issue(CATALOGUE, { tier: "pro", subject: "cus_42", now });
  const events = [];
  const gate = api.createGate({
    keys: [issuer.publicKey], now: () => ({ seconds: now, monotonicMs: 0 }), onEvent: (event) => events.push(event),
  });
  const needs = { features: ["export"], meters: ["calls"], rates: { api: 1 } };
  const decision = gate.check(token, needs, { action: "GET /exports" });
  expect(decision.name, "allowed", "a good licence");
  expect(decision.license.sub, "cus_42", "its subject");
  expect(decision.charges.find(({ name }) => name === "calls").remaining, 99, "what is left");
  expect(decision.headers()["ratelimit-policy"], '"api";q=20;w=1, "calls";q=100', "the fields");
  expect(events[0].action, "GET /exports", "the event");
  expect(JSON.stringify(events).includes(token.slice(5, 45)), false, "a token in an event");
  const denied = gate.check(token, { features: ["sso"] });
  expect(denied.name, "feature_not_licensed", "another feature");
  expect(denied.status, 403, "its status");
  expect(denied.explanation.at(-1).result, "feature_not_licensed", "its explanation");
  expect(gate.check("", {}).status, 401, "no token");
  expect(gate.check(token, { features: ["a\0b"].slice(1), meters: { calls: 0 } }).allowed, true, "a peek");
  for (const wrong of [{ features: ["a\0b"] }, { meters: { calls: 1.5 } }, { node: new Uint8Array(3) }]) {
    let thrown;
    try { gate.check(token, wrong); } catch (error) { thrown = error; }
    expect(thrown?.codeName, "invalid_argument", JSON.stringify(wrong));
  }
  const seed = new Uint8Array(32).fill(9);
  const { publicKey } = api.holderKey(seed);
  const bound = issuer.issue(CATALOGUE, { tier: "pro", subject: "cus_42", now, holder: publicKey });
  expect(gate.check(bound).name, "proof_required", "a bound licence without a proof");
  const proof = api.prove({ seed, token: bound, method: "GET", uri: "https://a.example/x", now });
  const presented = { proof: { proof, method: "GET", uri: "https://a.example/x" } };
  expect(gate.check(bound, presented).name, "allowed", "a proof");
  expect(gate.check(bound, presented).name, "proof_replayed", "the same proof again");
}
