// `licentia dev` in front of somebody's own API, without and with an OpenAPI document.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { same } from "./expect.mjs";
import { dev } from "./program.mjs";

const upstream = createServer((request, response) => response.end(JSON.stringify(request.headers))).listen(0, "127.0.0.1");
await new Promise((resolve) => upstream.once("listening", resolve));
const url = `http://127.0.0.1:${upstream.address().port}`;
const folder = mkdtempSync(join(tmpdir(), "licentia-upstream-"));
const FREE = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--health", "127.0.0.1:0"];

async function run(options, test) {
  const gateway = await dev("--upstream", url, ...FREE, ...options);
  try {
    const call = (subject, path, method = "GET") => fetch(gateway.api + path, {
      method, headers: subject ? [readFileSync(gateway.customers.find((customer) => customer.subject === subject).header, "utf8").trim().split(": ")] : [],
    });
    await test(call);
  } finally {
    same(await gateway.end("SIGTERM"), 0, "it ends when it is told to");
  }
}
const left = (response) => Object.fromEntries([...(response.headers.get("ratelimit") ?? "").matchAll(/"(\w+)";r=(\d+)/g)].map(([, name, rest]) => [name, Number(rest)]));

try {
  await run([], async (call) => {
    for (const path of ["/", "/any/path?and=query"]) same((await call(null, path)).status, 401, `${path} needs a licence`);
    await call("northwind", "/");
    const second = await call("northwind", "/any/path?and=query", "POST");
    same([second.status, left(second).calls], [200, 18], "every path counts one call");
    const received = await second.json();
    same([received["x-licentia-subject"], received["x-licentia-tier"], "authorization" in received], ["northwind", "free", false], "what the API is told");
  });
  const document = join(folder, "api.yaml");
  writeFileSync(document, `openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders:
    get:
      x-licentia: { meters: { reads: 1 } }
      responses: { "200": { description: fine } }
    post:
      x-licentia: { features: [write], meters: { writes: 5 } }
      responses: { "200": { description: fine } }
  /health:
    get:
      x-licentia: { access: open }
      responses: { "200": { description: fine } }
`);
  await run(["--openapi", document], async (call) => {
    same((await call(null, "/health")).status, 200, "an open operation");
    same((await call("globex", "/nothing")).status, 403, "a path that is not in the document");
    same((await call("northwind", "/orders", "POST")).status, 403, "a feature that the small tier lacks");
    const [read, write] = [await call("globex", "/orders"), await call("globex", "/orders", "POST")];
    same([read.status, left(read).reads, write.status, left(write).writes], [200, 499, 200, 495], "meters and costs of the document");
  });
  console.log("licentia dev protects an API of one's own, with and without an OpenAPI document");
} finally {
  upstream.close();
  upstream.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}
