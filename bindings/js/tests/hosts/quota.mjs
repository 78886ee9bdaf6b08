// Inside workerd: the Durable Object's alarm, on SQLite, and Workers KV.
import { createGate } from "licentia";
import { createIssuer } from "licentia/issuer";
import { durableObjectStore, kvStore, LicentiaQuota } from "licentia/stores";
import { CATALOGUE } from "../tests/behaviour.mjs";
import { same } from "../tests/expect.mjs";

/** One that shows what it keeps. */
export class Watched extends LicentiaQuota {
  #storage;

  constructor(state, env) {
    super(state, env);
    this.#storage = state.storage;
  }

  async fetch(request) {
    if (new URL(request.url).pathname !== "/kept") return super.fetch(request);
    return Response.json({ alarm: await this.#storage.getAlarm(), keys: [...(await this.#storage.list()).keys()] });
  }
}

async function alarms(namespace) {
  const store = durableObjectStore(namespace);
  const object = namespace.get(namespace.idFromName("00"));
  const kept = async () => (await object.fetch("http://x/kept")).json();
  const key = (name) => `licentia:0123456789abcdef:{00}:${name}`;
  const now = Math.floor(Date.now() / 1000);
  same(await store.lease(key("a"), 3, 10, now + 1000, 0), { granted: 3, total: 3 }, "a lease");
  same(await store.lease(key("b"), 20, 10, now + 500, 0), { granted: 10, total: 10 }, "what is left");
  same((await kept()).alarm, (now + 500) * 1000, "the earlier of two ends");
  await store.lease(key("c"), 1, 10, now + 2000, 0);
  await store.lease(key("life"), 1, 10, undefined, 0);
  same((await kept()).alarm, (now + 500) * 1000, "a later one changes nothing");
  same(await store.lease(key("a"), 0, 10, now + 1000, 0), { granted: 0, total: 3 }, "how many are taken");
  await store.release(key("a"), 2);
  same((await store.lease(key("a"), 0, 10, now + 1000, 0)).total, 1, "given back");
  same(await store.lease(key("a"), 20, 10, now + 1000, 10), { granted: 0, total: 1 }, "too few for what is needed");
  await store.release(key("gone"), 2);
  await store.lease(key("nothing"), 0, 10, now + 1000, 0);
  same((await kept()).keys, ["a", "b", "c", "life"].map(key), "only what was taken is kept");
  // More than a page of ended ones, and the alarm is set for the rest.
  for (let at = 0; at < 300; at++) await store.lease(key(`ended${at}`), 1, 10, now - 1, 0);
  for (let tries = 0; (await kept()).keys.length > 4; tries++) {
    if (tries === 200) throw new Error("the ended ones are still there");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const left = await kept();
  const started = await fromFormerKey(store, now + 2000);
  same(started, { granted: 1, total: 5 }, "a count starts from the one before keys named the issuer");
  same([left.keys.length, left.alarm], [4, (now + 500) * 1000], "the ended ones are forgotten");
}

async function fromFormerKey(store, until) {
  await store.lease("licentia:{00}:old", 4, 10, until, 0);
  return store.lease("licentia:0123456789abcdef:{00}:old", 1, 10, until, 0);
}

async function keyValue(namespace) {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const token = issuer.issue(CATALOGUE, { tier: "strict", subject: "cus_42" });
  const gate = createGate({ keys: [issuer.publicKey], store: kvStore(namespace) });
  for (let at = 0; at < 100; at++) same((await gate.check(token, { meters: ["calls"] })).name, "allowed", `call ${at}`);
  same((await gate.check(token, { meters: ["calls"] })).name, "quota_exceeded", "the one after the last");
  const { keys } = await namespace.list();
  same([keys.length, keys[0].expiration > Date.now() / 1000], [1, true], "a key that expires");
}

export default {
  async fetch(_request, { QUOTA, KV }) {
    try {
      await alarms(QUOTA);
      await keyValue(KV);
      return new Response("Durable Object on SQLite with its alarm, and KV");
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
