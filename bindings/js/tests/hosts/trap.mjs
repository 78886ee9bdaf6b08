// A module that fails is replaced, and the gate then knows everything that it knew: keys, bundles, deltas and marks.
import { readFileSync } from "node:fs";
import { same } from "../expect.mjs";

const { Instance } = WebAssembly;
let armed, error;
WebAssembly.Instance = function (module, imports) {
  const exports = {};
  for (const [name, value] of Object.entries(new Instance(module, imports).exports)) {
    exports[name] = typeof value !== "function" ? value : (...given) => {
      // The first argument of `call` is the operation.
      if ((name === "call" ? given[0] : name) !== armed) return value(...given);
      armed = undefined;
      throw error;
    };
  }
  return { exports };
};
const { operation } = await import(process.env.PORT);
const { VERIFY, HTTP_STATUS, CHECK, LOAD_REVOCATION, CHANGED_MARKS } = operation;
const ERRORS = [new WebAssembly.RuntimeError("unreachable"), new RangeError("Maximum call stack size exceeded")];

const api = await import("licentia");
const { createIssuer } = await import("licentia/issuer");
const { memoryStore } = await import("licentia/stores");
const { CATALOGUE } = await import("../behaviour.mjs");
const unhex = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function outcome(call) {
  try {
    const found = call();
    return found?.name ?? "allowed";
  } catch (error) {
    return error.codeName;
  }
}

let replaced = 0;
/** Makes the module fail in one of its functions, or where it is asked for something. */
function trap(name, call) {
  [armed, error] = [name, ERRORS[replaced++ % ERRORS.length]];
  same(outcome(call), "internal", `a failure in ${name}`);
  same(armed, undefined, `${name} was called`);
}

// Every vector with bundles, with a failure before each step.
const { testGroups } = JSON.parse(readFileSync(`${process.env.VECTORS}/gate.json`, "utf8"));
let ran = 0;
for (const test of testGroups.flatMap(({ tests }) => tests)) {
  if (!test.steps.some((step) => step.do === "publish")) continue;
  const kept = new Map();
  const marks = { load: (name) => kept.get(name), save: (name, value) => kept.set(name, value) };
  let [now, gate, loaded] = [{ seconds: 0, monotonicMs: 0 }, undefined, undefined];
  const build = (keyset) => api.createGate({ keys: test.keys, keyset: { root: test.root, bytes: keyset }, marks, now: () => now });
  for (const [at, step] of test.steps.entries()) {
    const what = `gate ${test.tcId} (${test.comment}), step ${at}`;
    if (gate) trap(CHANGED_MARKS, () => gate.loadKeyset(loaded));
    if (step.do === "load") {
      const keyset = unhex(step.keyset);
      const code = outcome(() => { if (gate) gate.loadKeyset(keyset); else gate = build(keyset); });
      same(code, step.code, what);
      if (code === "allowed") loaded = keyset;
    } else if (step.do === "publish") {
      same(outcome(() => { gate.loadRevocation(unhex(step.bundle)); }), step.code, what);
    } else if (step.do === "restart") {
      gate = build(loaded);
    } else {
      now = { seconds: step.now, monotonicMs: step.monotonicMs };
      trap(CHECK, () => gate.check(step.token));
      same(outcome(() => gate.check(step.token)), step.code, what);
    }
  }
  ran++;
}
if (ran < 10) throw new Error(`only ${ran} vectors ran`);

const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
const now = 1_800_000_000;
const issue = () => issuer.issue(CATALOGUE, { tier: "strict", subject: "cus_42", now });
trap("rawissuer_issue", issue);
const token = issue();
trap(VERIFY, () => api.verify(token, issuer.publicKey));
same(api.verify(token, issuer.publicKey, { now }).name, "allowed", "a verifier after a failure");
const gate = api.createGate({ keys: [issuer.publicKey], now: () => ({ seconds: now, monotonicMs: 0 }) });
const decision = gate.check(token);
trap(HTTP_STATUS, () => decision.status);
same([decision.status, gate.check(token).name], [200, "allowed"], "a gate after a failure beside it");

// A gate that has counted is closed when its module fails: it does not start again from 0.
const clock = () => ({ seconds: now, monotonicMs: 0 });
const pro = issuer.issue(CATALOGUE, { tier: "pro", subject: "cus_42", now });
const open = (options) => api.createGate({ keys: [issuer.publicKey], now: clock, ...options });
for (const [needs, options, what] of [
  [{ meters: ["calls"] }, {}, "a quota in memory"], [{ rates: ["api"] }, {}, "a rate"], [{ rates: ["api"] }, { store: memoryStore() }, "a rate beside a store"],
  [{ proof: { proof: "AA", method: "GET", uri: "/" } }, {}, "a proof"],
]) {
  const gate = open(options);
  const counted = await gate.check(pro, needs);
  same(counted.name, "allowed", what);
  if (options.store) [armed, error] = [CHECK, ERRORS[0]];
  else trap(CHECK, () => gate.check(pro, needs));
  for (let round = 0; round < 2; round++) {
    const after = await (async () => gate.check(pro))().then(({ name }) => name, ({ codeName }) => codeName);
    same(after, "internal", `${what}, after a failure`);
  }
  same(outcome(() => gate.loadKeyset(new Uint8Array(1))), "internal", `${what}: nothing goes on`);
  same([counted.status, counted.license.sub], [200, "cus_42"], `${what}: a decision is still to be read`);
}
for (const [needs, options, what] of [[{ meters: { calls: 0 } }, {}, "a look"], [{ features: ["export"] }, {}, "a feature"], [{ meters: ["calls"] }, { store: memoryStore() }, "a quota in a store"]]) {
  const gate = open(options);
  same((await gate.check(pro, needs)).name, "allowed", what);
  trap(LOAD_REVOCATION, () => gate.loadRevocation(new Uint8Array(0)));
  same((await gate.check(pro, needs)).name, "allowed", `${what}, after a failure`);
}

// A lease that is on its way while the module is replaced is used once, or goes back; units are never granted twice.
const store = memoryStore();
let answer;
const slow = {
  lease: async (...given) => {
    const leased = store.lease(...given);
    await new Promise((resolve) => { answer = resolve; });
    return leased;
  },
  release: store.release,
};
const shared = api.createGate({ keys: [issuer.publicKey], store: slow, now: () => ({ seconds: now, monotonicMs: 0 }) });
const first = shared.check(token, { meters: { calls: 60 } });
await new Promise((resolve) => setTimeout(resolve));
trap(LOAD_REVOCATION, () => shared.loadRevocation(new Uint8Array(0)));
answer();
await new Promise((resolve) => setTimeout(resolve));
answer();
same((await first).name, "allowed", "it is fetched again");
const key = [...(await shared.check(token, { meters: { calls: 0 } })).charges];
same(key[0].remaining, 40, "and charged once");
console.log(`failures: ${replaced} modules replaced, in ${ran} vectors with bundles and beside them`);
