// What the shared vectors do not show: stores, leases, charges, issuers and what is refused, on any host.
import { rejected, same, thrown } from "./expect.mjs";

const NOW = 1_800_000_000;
export const CATALOGUE = `
[[tier]]
name = "pro"
version = 1
term = "1 year"
features = { export = true }
quotas = { calls = "1000/month", mails = "1000/month" }
rates = { api = "20/1s" }
policy = { store_unreachable = { warn = "1 day" } }

[[tier]]
name = "strict"
version = 1
term = "1 year"
quotas = { calls = "100/month", mails = "100/month" }
`;
const names = (decisions) => [...new Set(decisions.map(({ name }) => name))].join();
const clock = () => {
  const time = { seconds: NOW, monotonicMs: 0 };
  return [time, () => time];
};

export async function behaviour(api, stores, { createIssuer, generateKey }) {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const issue = (draft) => issuer.issue(CATALOGUE, { tier: "strict", subject: "cus_42", now: NOW, ...draft });
  const gate = (options) => api.createGate({ keys: [issuer.publicKey], now: () => ({ seconds: NOW, monotonicMs: 0 }), ...options });

  await failures();
  await leases();
  await closing();
  await charges();
  refusals();
  shapes();
  await misuse();

  /** A store that fails, or never answers, is told to every request, whatever else goes on. */
  async function failures() {
    for (const lease of [() => { throw new Error("cut off"); }, () => new Promise(() => {}), () => ({})]) {
      const failed = [];
      const shared = gate({ store: { lease }, storeTimeoutMs: 20, onStoreError: (failure) => failed.push(failure.operation) });
      const token = issue();
      const ask = (...meters) => shared.check(token, { meters });
      same((await ask("calls")).name, "store_unreachable", "one meter");
      same((await ask("calls", "mails")).name, "store_unreachable", "two meters");
      const many = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? ask("calls") : ask("calls", "mails"))));
      same(names(many), "store_unreachable", "twenty at once");
      same([failed.length >= 22, failed[0]], [true, "lease"], "what was told");
    }
    // What comes too late is there for the next request.
    let answer;
    const slow = { lease: (_key, want) => new Promise((resolve) => { answer = () => resolve({ granted: want, total: want }); }) };
    const shared = gate({ store: slow, storeTimeoutMs: 10 });
    const token = issue();
    same((await shared.check(token, { meters: ["calls"] })).name, "store_unreachable", "no answer");
    answer();
    await new Promise((resolve) => setTimeout(resolve));
    same((await shared.check(token, { meters: ["calls"] })).name, "allowed", "an answer after all");
  }

  async function leases() {
    const [time, now] = clock();
    const keys = new Map(), store = stores.memoryStore(() => NOW), released = [];
    const counting = {
      lease(key, ...rest) {
        keys.set(key, (keys.get(key) ?? 0) + 1);
        return store.lease(key, ...rest);
      },
      release(key, units) {
        released.push(units);
        store.release(key, units);
      },
    };
    const shared = gate({ store: counting, now });
    const [one, other] = [issue(), issue()];
    const ask = (token, meters = ["calls"], more = {}) => shared.check(token, { meters, ...more });
    same((await ask(one, ["calls"], { features: ["sso"] })).name, "feature_not_licensed", "what cannot pass");
    same(keys.size, 0, "and fetches nothing");
    same((await ask(one, { calls: 0 })).charges[0].remaining, 100, "who looks");
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(one)));
    same(names(answers), "allowed", "twenty at once");
    same(await Promise.all([ask(one), ask(other)]).then(names), "allowed", "two licences");
    same([...keys.keys()].every((key) => /^licentia:[0-9a-f]{16}:\{[0-9a-f]{32}\}:calls:\d+:\d+$/.test(key)), true, "keys");
    same(keys.size, 2, "of two licences");
    const paced = issue({ tier: "pro" });
    // 55 at 100 a second take fewer leases than requests, and what is left goes back when nobody comes.
    const before = [...keys.values()].reduce((a, b) => a + b);
    for (let at = 0; at < 55; at++) {
      time.monotonicMs += 10;
      same((await ask(paced)).name, "allowed", "a request");
    }
    const fetched = [...keys.values()].reduce((a, b) => a + b) - before;
    same(fetched < 30, true, `${fetched} leases`);
    for (const wait of [0, 11_000, 11_000, 11_000]) {
      time.monotonicMs += wait;
      await ask(one);
    }
    const elsewhere = gate({ store, now });
    const there = (calls) => elsewhere.check(paced, { meters: { calls } });
    same(released.length > 0, true, "what nobody used went back");
    same((await there(945)).name, "allowed", "all of it is there for others");
    same((await there(1)).name, "quota_exceeded", "and no more");
    same((await ask(one, { calls: 100 })).name, "quota_exceeded", "more than is left");
  }

  async function closing() {
    const store = stores.memoryStore();
    const shared = gate({ store });
    const token = issue();
    const ask = (name, cost) => shared.check(token, { meters: { [name]: cost } });
    same((await ask("calls", 1)).name, "allowed", "a call");
    // Charged, and taken back: it is the gate's own until it closes.
    same((await shared.check(token, { meters: { calls: 30, mails: 101 } })).name, "quota_exceeded", "all or none");
    await shared.close();
    const other = gate({ store });
    same((await other.check(token, { meters: { calls: 99 } })).name, "allowed", "what was closed is there again");
    same((await ask("calls", 0)).charges[0].remaining, 99, "as far as is known here");
    const failing = { ...stores.memoryStore(), release: () => { throw new Error("cut off"); } };
    const failed = [];
    const lossy = gate({ store: failing, onStoreError: ({ operation, units }) => failed.push([operation, units]) });
    await lossy.check(token, { meters: { calls: 30, mails: 101 } });
    same(await rejected(lossy.close()), "store_unreachable", "a store that takes nothing back");
    same(failed, [["release", 30]], "it is told, and more than there is was not taken");
    await lossy.close();
  }

  async function charges() {
    const told = gate().check(issue({ tier: "pro" }), { rates: ["api"], meters: { calls: 2, mails: 3 } });
    same(told.charges.map(({ name, unit, cost }) => [name, unit, cost]), [["api", "rate", 1], ["calls", "quota", 2], ["mails", "quota", 3]], "charges");
    // A meter whose store is out of reach is passed over by this licence's policy, and has nothing to show.
    const store = stores.memoryStore();
    const half = gate({ store: { lease: (key, ...rest) => { if (key.includes(":calls:")) throw new Error("cut off"); return store.lease(key, ...rest); } } });
    const warned = await half.check(issue({ tier: "pro" }), { rates: ["api"], meters: { calls: 2, mails: 3 } });
    same([warned.name, warned.warning], ["allowed", "store_unreachable"], "a doubt");
    same(warned.charges.map(({ name, cost, remaining }) => [name, cost, remaining]), [["api", 1, 19], ["mails", 3, 997]], "the other charges");
    same(warned.headers()["ratelimit-policy"], '"api";q=20;w=1, "mails";q=1000', "and their fields");
  }

  function refusals() {
    const wrong = "invalid_argument";
    same(thrown(() => issue({ audiences: [""] })) !== "nothing", true, "an empty audience");
    for (const [draft, what] of [
      [{ holder: new Uint8Array(0) }, "an empty holder"], [{ version: NaN }, "a version that is none"],
      [{ version: -1 }, "a negative version"], [{ version: 1.5 }, "half a version"], [{ now: Date.now() }, "milliseconds"],
      [{ now: NaN }, "no time"], [{ lineage: new Uint8Array(3) }, "a short lineage"], [{ index: -1 }, "a negative index"],
      [{ tier: "none" }, "no such tier"], [{ audiences: [7] }, "a number for a text"],
    ]) same(thrown(() => issue(draft)), wrong, what);
    same(thrown(() => createIssuer("acme", { seed: new Uint8Array(31) })), wrong, "a short seed");
    same(thrown(() => createIssuer("acme", { pem: "nonsense" })), "invalid_key", "no key");
    const pem = generateKey("secret");
    same(thrown(() => createIssuer("acme", { pem })), "invalid_key", "a passphrase is missing");
    same(createIssuer("acme", { pem, passphrase: "secret" }).publicKey.startsWith("licpub1_"), true, "a new key");
    const token = issue({ index: 7 });
    const { lineage, index } = api.inspect(token);
    same(index, 7, "the index");
    const bytes = Uint8Array.from(lineage.match(/../g), (pair) => Number.parseInt(pair, 16));
    same(api.inspect(issue({ lineage: bytes })).lineage, lineage, "a renewal");

    same(thrown(() => api.verify(token, "")), "invalid_key", "an empty key");
    same(api.verify(token, []).name, "unknown_key", "no key at all");
    same(gate({ prepareKeys: 81_920, cacheCapacity: 0 }).check(token).name, "allowed", "a key with tables");
    same(thrown(() => gate({ prepareKeys: 81_919 })), wrong, "too little for tables");
    for (const nothing of [undefined, null, ""]) same(gate().check(nothing).name, "missing_token", "no token");
    same(thrown(() => gate({ now: () => ({ seconds: Date.now(), monotonicMs: 0 }) }).check(token)), wrong, "milliseconds");
    // A request that only looks unchangeable is read each time.
    const features = ["export"];
    const request = Object.freeze({ features });
    const checked = gate();
    same(checked.check(token, request).name, "feature_not_licensed", "a feature");
    features.length = 0;
    same(checked.check(token, request).name, "allowed", "no feature any more");
  }

  /** Wrong types, sizes and keys are errors, and none of them makes a gate forget what it has counted. */
  async function misuse() {
    const wrong = "invalid_argument";
    const token = issue({ tier: "pro" });
    const counted = gate(), needs = { rates: { api: 20 }, meters: { calls: 400 } };
    same(counted.check(token, needs).name, "allowed", "before");
    const odd = [5, 4n, true, Symbol("x"), {}, { length: 4e9 }, [], ["lic1_"], () => token, new String(token), new Uint8Array(3), { toString: () => token }];
    for (const given of odd) {
      same(thrown(() => counted.check(given)), wrong, `a token that is ${typeof given}`);
      same(thrown(() => api.verify(given, issuer.publicKey)), wrong, "a token to verify");
      same(thrown(() => api.inspect(given)), wrong, "a token to inspect");
      same(thrown(() => api.decodeLicense(given)), wrong, "a text to decode");
    }
    const many = [5, null, {}, { length: 4e9 }, "text", [1, 2], new Uint16Array(16), new ArrayBuffer(32)];
    for (const given of many) {
      same(thrown(() => counted.loadKeyset(given)), wrong, "a keyset");
      same(thrown(() => counted.loadRevocation(given)), wrong, "a bundle");
      same(thrown(() => api.encodeLicense(given)), wrong, "a licence's bytes");
      same(thrown(() => api.proofHeader(given)), wrong, "a proof's bytes");
      same(thrown(() => api.holderKey(given)), wrong, "a seed");
      same(thrown(() => counted.check(token, { node: given })), wrong, "a node");
      if (typeof given !== "string") same(thrown(() => counted.check(token, { proof: { proof: given, method: "GET", uri: "/" } })), wrong, "a proof");
    }
    const proof = { proof: "AA", method: "GET", uri: "/" }, seed = new Uint8Array(32);
    for (const [needs, what] of [
      [{ feature: ["sso"] }, "feature"], [{ meter: "calls" }, "meter"], [{ rate: "api" }, "rate"], [{ Features: ["sso"] }, "Features"],
      [{ features: "sso" }, "features that are a text"], [{ features: [5] }, "a feature that is a number"], [{ features: { sso: 1 } }, "features with costs"],
      [{ meters: "calls" }, "meters that are a text"], [{ meters: { calls: "5" } }, "a cost that is a text"], [{ meters: [5] }, "a meter that is a number"],
      [{ meters: { calls: -1 } }, "a negative cost"], [{ meters: { calls: NaN } }, "no cost"], [{ rates: 5 }, "rates that are a number"],
      [{ audience: 5 }, "an audience"], [{ release: "1" }, "a release"], [{ proof: { ...proof, method: 5 } }, "a method"], [{ proof: { ...proof, uri: {} } }, "a URI"],
      [{ proof: { ...proof, body: "x" } }, "a body"], [{ proof: { ...proof, digest: seed } }, "a proof's key"], [{ proof: "AA" }, "a bare proof"], [null, "null"], [[], "a list"], ["x", "a text"],
    ]) {
      same(thrown(() => counted.check(token, needs)), wrong, what);
      same(thrown(() => api.request(needs)), wrong, `${what}, beforehand`);
    }
    same(thrown(() => counted.check(token, {}, { actoin: "x" })), wrong, "a key of the circumstances");
    same(thrown(() => counted.check(token, {}, "GET /")), wrong, "circumstances that are a text");
    same(thrown(() => api.verify(token, issuer.publicKey, { audiance: "x" })), wrong, "a key of a verification");
    for (const [options, what] of [
      [{ audiance: "x" }, "a misspelt audience"], [{ requireRevocations: true }, "a misspelt demand"], [{ requireRevocation: "no" }, "a demand that is a text"],
      [{ mode: "enforced" }, "a mode"], [{ keys: issuer.publicKey }, "keys that are a text"], [{ keys: [5] }, "a key that is a number"], [{ onEvent: 5 }, "no function"],
      [{ store: {} }, "a store without functions"], [{ skew: "60" }, "a skew that is a text"], [{ revocation: "x" }, "a bundle that is a text"],
    ]) same(thrown(() => gate(options)), wrong, what);
    same(thrown(() => api.createGate(undefined)), wrong, "no options");
    same(thrown(() => issue({ subjekt: "x" })), wrong, "a misspelt subject");
    same(thrown(() => createIssuer("acme", { sead: seed })), wrong, "a misspelt seed");
    same(thrown(() => createIssuer(5, { seed })), wrong, "a name that is a number");
    for (const change of [{ body: new Uint8Array(1e6) }, { seed: new Uint8Array(1e6) }, { method: 5 }, { uri: undefined }, { token: 5 }, { nonce: 5 }, { url: "/" }]) {
      same(thrown(() => api.prove({ seed, token, method: "GET", uri: "/", ...change })), wrong, `a proof of ${Object.keys(change)}`);
    }
    // What a client may send in any size is denied, with the same code as at the limit.
    for (const length of [5_468, 8_192, 1_000_001, 50_000_000]) {
      const code = length % 4 === 2 ? "malformed_text" : "token_too_long";
      same(counted.check(`lic1_${"A".repeat(length - 5)}`).name, code, `a token of ${length}`);
      same(counted.check("A".repeat(length)).name, "malformed_text", `a text of ${length}`);
      same(counted.presented(() => `Bearer lic1_${"A".repeat(length)}`).token.length < 20_000, true, "a header field");
      const long = { proof: "A".repeat(length), method: "G".repeat(length), uri: "/".repeat(length) };
      same(counted.check(token, { proof: long }).allowed, true, "a proof that nothing asks for");
    }
    const left = counted.check(token, { meters: { calls: 0 } }).charges[0].remaining;
    same([left, counted.check(token, { rates: ["api"] }).name], [600, "rate_limited"], "nothing was forgotten");

    // A promise in place of a decision allows nothing.
    const shared = gate({ store: stores.memoryStore() }), promise = shared.check(token);
    for (const name of ["allowed", "code", "name", "status", "denied"]) same(thrown(() => promise[name]), wrong, `${name} of a promise`);
    same([(await promise).name, await promise.then(({ allowed }) => allowed)], ["allowed", true], "what it becomes");
    same(await rejected(shared.check(5)), wrong, "a token of another type");
    same(await rejected(shared.check(token, { feature: ["sso"] })), wrong, "a misspelt key");
  }

  function shapes() {
    const token = issue({ tier: "pro" });
    const decision = gate().check(token, { meters: ["calls"] });
    const inspected = decision[Symbol.for("nodejs.util.inspect.custom")]();
    same([inspected.name, inspected.license.sub, inspected.charges[0].remaining], ["allowed", "cus_42", 999], "what a log shows");
    same(JSON.stringify(inspected).includes(token.slice(5, 45)), false, "without the token");
    const verdict = api.verify(token, issuer.publicKey, { now: NOW });
    for (const name of ["allowed", "code", "name", "state", "warning", "license"]) {
      same([name, verdict[name]], [name, decision[name]], "a verdict and a decision");
    }
    const denied = gate().check(token, { features: ["sso"] });
    const { status, headers, body } = denied.refusal();
    same([status, headers["content-type"], JSON.parse(body).name], [403, "application/problem+json", "feature_not_licensed"], "a refusal");
    same(gate().presented((name) => ({ authorization: "bEaReR  x ", "licentia-proof": "p" })[name]), { token: "x", proof: "p" }, "what is presented");
    const header = api.proofHeader(new Uint8Array([0xff, 0xef]));
    same(header, { "licentia-proof": "_-8" }, "a proof's field");
    const error = (() => { try { denied.raiseForDenied(); } catch (error) { return error; } })();
    same([error instanceof api.DeniedError, error instanceof api.LicentiaError, new Error() instanceof api.LicentiaError], [true, true, false], "kinds of errors");
  }
}
