// Runs the shared vectors on any host: `run(api, stores, files)` gives how many cases of each file ran.

const unhex = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unbase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (digit) => digit.charCodeAt(0));
const some = (value) => value ?? undefined;

function same(found, expected, what) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
}

/** Name of the code that a call throws, or `allowed` and what it gave. */
function outcome(call) {
  try {
    return ["allowed", call()];
  } catch (error) {
    if (error?.name !== "LicentiaError") throw error;
    return [error.codeName, undefined];
  }
}

function license(api, file) {
  let ran = 0;
  for (const { keys, expect, tests } of file.testGroups) {
    for (const test of tests) {
      const what = `license ${test.tcId} (${test.comment})`;
      const { proof } = test;
      const token = test.token ?? api.encodeLicense(unhex(test.tokenHex));
      const verdict = api.verify(token, keys, {
        issuer: some(expect.issuer), audience: some(expect.audience), skew: expect.skew,
        features: expect.features, node: expect.node == null ? undefined : unhex(expect.node),
        release: some(expect.release), now: test.now, proofAge: proof?.maxAge,
        proof: proof && {
          proof: unbase64(proof.proof), method: proof.method, uri: proof.uri,
          body: proof.body == null ? undefined : unhex(proof.body),
        },
      });
      same(verdict.allowed, test.result === "valid", what);
      if (verdict.allowed) {
        same([verdict.state, verdict.code, verdict.license], [test.state, 0, test.claims], what);
        same(api.inspect(token), test.claims, what);
      } else if (test.code == null) {
        same(verdict.code >= 100 && verdict.code < 300, true, what);
      } else {
        same([verdict.name, verdict.code], [test.code, test.number], what);
      }
      const last = verdict.explanation.at(-1);
      if (!verdict.allowed) same(last.result, verdict.name, what);
      ran++;
    }
  }
  return ran;
}

function text(api, file) {
  let ran = 0;
  for (const test of file.testGroups.flatMap(({ tests }) => tests)) {
    const [name, bytes] = outcome(() => api.decodeLicense(test.text));
    same([name, bytes && hex(bytes)], [test.code, test.hex], `text ${test.tcId}`);
    if (bytes) same(api.encodeLicense(bytes), test.text, `text ${test.tcId}`);
    ran++;
  }
  return ran;
}

function key(api, file) {
  let ran = 0;
  for (const test of file.testGroups.flatMap(({ tests }) => tests)) {
    const [name, key] = outcome(() => api.readKey(test.key));
    same([name, key && hex(key.kid), key && hex(key.publicKey)], [test.code, test.kid, test.publicKey], `key ${test.tcId}`);
    ran++;
  }
  return ran;
}

function period(api, file) {
  let ran = 0;
  for (const { period, tests } of file.testGroups) {
    for (const test of tests) {
      const { start, end = null } = api.periodWindow(period, test.time);
      same([start, end], [test.start, test.end], `period ${test.tcId}`);
      ran++;
    }
  }
  return ran;
}

function codes(api, file) {
  same(api.codes(), file.codes, "codes");
  return file.codes.length;
}

async function gate(api, memoryStore, file) {
  let ran = 0;
  for (const test of file.testGroups.flatMap(({ tests }) => tests)) {
    const [store, kept] = [memoryStore(), new Map()];
    const marks = { load: (name) => kept.get(name), save: (name, value) => kept.set(name, value) };
    let [now, gate, loaded] = [undefined, undefined, undefined];
    const build = (keyset) => api.createGate({
      keys: test.keys, keyset: keyset && { root: test.root, bytes: keyset }, store, marks, now: () => now,
    });
    if (test.root == null) gate = build();
    for (const [at, step] of test.steps.entries()) {
      const what = `gate ${test.tcId} (${test.comment}), step ${at}`;
      if (step.do === "load") {
        const keyset = unhex(step.keyset);
        const [name] = outcome(() => (gate ? gate.loadKeyset(keyset) : (gate = build(keyset))));
        same(name, step.code, what);
        if (name === "allowed") loaded = keyset;
      } else if (step.do === "publish") {
        const [name] = outcome(() => gate.loadRevocation(unhex(step.bundle)));
        same(name, step.code, what);
      } else if (step.do === "restart") {
        await gate.close();
        gate = build(loaded);
      } else {
        now = { seconds: step.now, monotonicMs: step.monotonicMs };
        const request = { rates: Object.fromEntries(step.rates), meters: Object.fromEntries(step.meters) };
        const decision = await gate.check(step.token, request);
        same(decision.name, step.code, what);
        same(decision.state ?? null, step.state, what);
        same(decision.warning ?? null, step.warning, what);
      }
    }
    ran++;
  }
  return ran;
}

export const FILES = ["license", "text", "key", "period", "gate", "codes"];

/** Runs every case of every file; throws at the first that fails, and where a file has no case. */
export async function run(api, { memoryStore }, files) {
  const runners = { license, text, key, period, codes, gate: (api, file) => gate(api, memoryStore, file) };
  const ran = {};
  for (const name of FILES) {
    const file = files[name];
    ran[name] = await runners[name](api, file);
    same(ran[name], file.numberOfTests ?? file.numberOfCodes, `number of cases of ${name}`);
    if (!(ran[name] > 0)) throw new Error(`${name}: no case ran`);
  }
  return ran;
}

/** A line for people. */
export function report(host, ran) {
  return `${host}: ${FILES.map((name) => `${ran[name]} of ${name}.json`).join(", ")}`;
}
