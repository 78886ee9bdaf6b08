// What the page in a browser runs.
import * as api from "licentia";
import * as stores from "licentia/stores";
import { createIssuer } from "licentia/issuer";
import { FILES, run } from "../vectors.mjs";
import { CATALOGUE, smoke } from "../smoke.mjs";

export async function page() {
  const files = {};
  for (const name of FILES) files[name] = await (await fetch(`/vectors/${name}.json`)).json();
  smoke(api, createIssuer);
  return run(api, stores, files);
}

/** The heap's growth over a million checks, in bytes of memory that the page holds. */
export function million() {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const now = 1_800_000_000;
  const token = issuer.issue(CATALOGUE.replace("100/month", "9000000/month"), { tier: "pro", subject: "cus_42", now });
  let at = 0;
  const gate = api.createGate({ keys: [issuer.publicKey], now: () => ({ seconds: now + Math.floor(at / 1000), monotonicMs: at++ }) });
  const route = api.request({ features: ["export"], meters: ["calls"] });
  const denied = api.request({ features: ["sso"] });
  return function loop(calls) {
    for (let call = 0; call < calls; call++) {
      if (!gate.check(token, route).allowed) throw new Error("denied");
      if (call % 10 === 0) gate.check(token, denied);
    }
  };
}

globalThis.licentiaTest = { page, million };
