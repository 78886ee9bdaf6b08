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
    same([...keys.keys()].every((key) => /^licentia:\{[0-9a-f]{32}\}:calls:\d+:\d+$/.test(key)), true, "keys");
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
    same(thrown(() => gate().check(undefined)), wrong, "no token");
    same(thrown(() => gate({ now: () => ({ seconds: Date.now(), monotonicMs: 0 }) }).check(token)), wrong, "milliseconds");
    // A request that only looks unchangeable is read each time.
    const features = ["export"];
    const request = Object.freeze({ features });
    const checked = gate();
    same(checked.check(token, request).name, "feature_not_licensed", "a feature");
    features.length = 0;
    same(checked.check(token, request).name, "allowed", "no feature any more");
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
