// What the page in a browser runs.
import { memory } from "../memory.mjs";
import * as api from "licentia";
import * as stores from "licentia/stores";
import * as issuers from "licentia/issuer";
import { FILES, run } from "../vectors.mjs";
import { behaviour } from "../behaviour.mjs";
import { smoke } from "../smoke.mjs";

const file = async (name) => (await fetch(`/vectors/${name}.json`)).json();

export async function page() {
  const files = {};
  for (const name of FILES) files[name] = await file(name);
  smoke(api, issuers.createIssuer);
  await behaviour(api, stores, issuers);
  return run(api, stores, files);
}

/** With `--expose-gc` and precise memory information. */
export async function flat() {
  async function heap() {
    for (let round = 0; round < 2; round++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    return performance.memory.usedJSHeapSize;
  }
  return memory("Chromium", api, stores, issuers, await file("gate"), heap);
}

globalThis.licentiaTest = { page, flat };
