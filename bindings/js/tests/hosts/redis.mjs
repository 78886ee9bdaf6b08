// Redis: node-redis and a REST server such as Upstash's count on one real server, together with the Rust library.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "redis";
import { createGate, inspect } from "licentia";
import { createIssuer } from "licentia/issuer";
import { redisRestStore, redisStore } from "licentia/stores";
import { CATALOGUE } from "../behaviour.mjs";
import { same } from "../expect.mjs";

const folder = mkdtempSync(join(tmpdir(), "licentia-redis-"));
const socket = join(folder, "socket");
const server = spawn(process.env.REDIS, ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], { stdio: "ignore" });
const client = createClient({ socket: { path: socket, reconnectStrategy: (tries) => (tries < 100 ? 50 : false) } });
client.on("error", () => {});
await client.connect();

// As Upstash has it: a command as a JSON array, and its result.
const rest = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  response.setHeader("content-type", "application/json");
  if (request.headers.authorization !== "Bearer secret") {
    response.writeHead(401).end('{"error":"WRONGPASS"}');
    return;
  }
  const result = await client.sendCommand(JSON.parse(Buffer.concat(parts)));
  response.end(JSON.stringify({ result }));
}).listen(0, "127.0.0.1");
await once(rest, "listening");
const url = `http://127.0.0.1:${rest.address().port}`;

try {
  const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const gate = (store, failed = []) => createGate({ keys: [issuer.publicKey], store, onStoreError: ({ error }) => failed.push(error.message) });
  const [one, two] = [gate(redisStore(client)), gate(redisRestStore({ url, token: "secret" }))];
  const token = issuer.issue(CATALOGUE, { tier: "strict", subject: "cus_42" });
  const ask = (gate, calls) => gate.check(token, { meters: { calls } });

  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => ask(at % 2 ? one : two, 1)));
  same(answers.every(({ allowed }) => allowed), true, "forty at once");
  const [key] = await client.keys("*");
  same(/^licentia:[0-9a-f]{16}:\{[0-9a-f]{32}\}:calls:\d+:\d+$/.test(key), true, key);
  const [, end] = key.split(":").slice(-2);
  same(await client.expireTime(key), Number(end) + 8 * 86_400, "it is forgotten eight days after the period");

  // The Rust library takes its share of the same hash.
  const rust = await promisify(execFile)(process.env.COUNTER, [`unix://${socket}`, issuer.publicKey, token, "calls", "15"]);
  same(rust.stdout.trim(), "15", "granted by Rust");
  await Promise.all([one.close(), two.close()]);
  same(await client.hGet(key, "total"), "55", "counted in all");
  same((await ask(gate(redisStore(client)), 0)).charges[0].remaining, 45, "what JavaScript sees of it");
  same((await ask(one, 45)).allowed, true, "all that is left");
  same((await ask(two, 1)).name, "quota_exceeded", "no more");
  const after = await promisify(execFile)(process.env.COUNTER, [`unix://${socket}`, issuer.publicKey, token, "calls", "1"]);
  same(after.stdout.trim(), "0", "nor for Rust");

  const failed = [];
  const refused = gate(redisRestStore({ url, token: "wrong" }), failed);
  const other = issuer.issue(CATALOGUE, { tier: "strict", subject: "cus_43" });
  same((await refused.check(other, { meters: ["calls"] })).name, "store_unreachable", "a wrong password");
  same(failed, ["the store answered 401"], "what is told");
  // A count starts from the one of the time before keys named the issuer.
  const until = Math.floor(Date.now() / 1000) + 1000;
  await client.hSet("licentia:{01}:calls:0:1", "total", "7");
  const started = await redisStore(client).lease("licentia:0123456789abcdef:{01}:calls:0:1", 2, 10, until, 2);
  same(started, { granted: 2, total: 9 }, "from the former key");
  // What is given back of a key that is gone must not come back.
  await client.del(key);
  await redisStore(client).release(key, 5);
  same(await client.exists(key), 0, "a forgotten key");
  console.log(`Redis: node-redis, REST and Rust counted ${inspect(token).quotas.calls.limit} units of one quota together`);
} finally {
  rest.close();
  client.destroy();
  server.kill();
  await once(server, "exit");
  rmSync(folder, { recursive: true, force: true });
}
