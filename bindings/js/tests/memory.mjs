// Memory that must not grow, of the heap and of the modules, in Node and in a page. `heap()` gives the heap's bytes.
import { CATALOGUE } from "./behaviour.mjs";

/** The memories of all instances that are made from now on. */
let memories = [];

function watch() {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...given) {
    const instance = new Instance(...given);
    memories.push(new WeakRef(instance.exports.memory));
    return instance;
  };
}

function modules() {
  memories = memories.filter((memory) => memory.deref() !== undefined);
  return memories.reduce((bytes, memory) => bytes + (memory.deref()?.buffer.byteLength ?? 0), 0);
}

const turn = () => new Promise((resolve) => setTimeout(resolve));
const unhex = (digits) => Uint8Array.from(digits.match(/../g), (pair) => Number.parseInt(pair, 16));
/** Single samples jump when code is compiled or thrown away; a leak lifts the middle of them. */
const middle = (part) => part.toSorted((a, b) => a - b)[part.length >> 1];

/** What is done again and again; each gives a function that does it `calls` times. */
function scenarios(api, stores, { createIssuer }, vectors) {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const now = 1_800_000_000;
  const issue = () => issuer.issue(CATALOGUE, { tier: "strict", subject: "cus_42", now });
  const tokens = Array.from({ length: 3000 }, issue);
  const time = { seconds: now, monotonicMs: 0 };
  const options = { keys: [issuer.publicKey], now: () => time };
  function allowed(decision) {
    if (!decision.allowed) throw new Error(decision.name);
  }
  const gate = api.createGate(options);
  const token = issuer.issue(CATALOGUE.replaceAll("1000/month", "9000000/month"), { tier: "pro", subject: "cus_42", now });
  const [route, denied] = [api.request({ features: ["export"], meters: ["calls"] }), api.request({ features: ["sso"] })];
  const shared = api.createGate({ ...options, store: stores.memoryStore(() => time.seconds) });
  const many = api.createGate(options);
  const { root, keys, steps } = vectors.testGroups.flatMap(({ tests }) => tests).find(({ comment }) => comment === "a delta revokes and reinstates");
  const [keyset, bundle, delta] = steps.slice(0, 3).map((step) => unhex(step.keyset ?? step.bundle));
  const revoking = () => {
    const gate = api.createGate({ keys, keyset: { root, bytes: keyset }, now: () => ({ seconds: steps[3].now, monotonicMs: 0 }) });
    gate.loadRevocation(bundle);
    gate.loadRevocation(delta);
    return gate;
  };
  const revoked = revoking();
  return {
    checks: [100_000, (calls) => {
      for (let call = 0; call < calls; call++) {
        allowed(gate.check(token, route));
        if (call % 10 === 0) gate.check(token, denied);
      }
    }],
    // More than are cached, each with a quota of its own, in one day after the other.
    "tokens and lineages": [6_000, (calls) => {
      time.seconds += 86_400;
      for (let call = 0; call < calls; call++) allowed(many.check(tokens[call % tokens.length], { meters: ["calls"] }));
    }],
    "a shared gate": [1_500, async (calls) => {
      for (let call = 0; call < calls; call++) allowed(await shared.check(tokens[call], { meters: { calls: 0, mails: 1 } }));
      await shared.close();
    }],
    gates: [60, async (calls) => {
      for (let call = 0; call < calls; call++) {
        allowed(api.createGate(options).check(token));
        if (call % 10 === 0) await turn();
      }
    }],
    bundles: [300, async (calls) => {
      for (let call = 0; call < calls; call++) {
        if (revoked.loadRevocation(delta)) throw new Error("it is in use");
        if (call % 20 === 0) revoking();
        if (call % 20 === 10) await turn();
      }
    }],
  };
}

/** Runs all of them; gives a line for each, and throws where memory grows. */
export async function memory(host, api, stores, issuers, vectors, heap) {
  watch();
  const lines = [];
  for (const [name, [calls, work]] of Object.entries(scenarios(api, stores, issuers, vectors))) {
    const [heaps, wasm] = [[], []];
    for (let round = 0; round < 14; round++) {
      await work(calls);
      await turn();
      // The heap first: collecting it is what lets modules go.
      const bytes = await heap();
      if (round < 4) continue;
      heaps.push(bytes);
      wasm.push(modules());
    }
    const grown = (sizes) => middle(sizes.slice(5)) - middle(sizes.slice(0, 5));
    lines.push(`${host}, ${name}: ${calls * 14} times; heap ${(middle(heaps) / 1e6).toFixed(2)} MB, grown by ${grown(heaps)}; modules ${(middle(wasm) / 1e6).toFixed(2)} MB, grown by ${grown(wasm)}`);
    if (grown(heaps) > 500_000 || grown(wasm) > 200_000) throw new Error(`memory grows: ${lines.at(-1)}`);
  }
  return lines.join("\n");
}
