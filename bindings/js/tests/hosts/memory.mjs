// In Node: `node --expose-gc`.
import { memory } from "../memory.mjs";
import * as api from "licentia";
import * as issuers from "licentia/issuer";
import * as stores from "licentia/stores";
import { files } from "./load.mjs";

async function heap() {
  for (let round = 0; round < 2; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve));
  }
  return process.memoryUsage().heapUsed;
}
console.log(await memory("Node", api, stores, issuers, files().gate, heap));
