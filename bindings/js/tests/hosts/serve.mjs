// Middleware over HTTP: Express, Connect's plain server and Hono in Node, and the servers of Deno and Bun.
import * as api from "licentia";
import * as issuers from "licentia/issuer";
import * as middleware from "licentia/fetch";
import { expectations, fetchHandler, routes } from "../http.mjs";
import { same } from "../expect.mjs";

const asker = (port) => (path, headers) => fetch(`http://127.0.0.1:${port}${path}`, { headers });
const handler = fetchHandler(api, issuers, middleware);

if (globalThis.Deno) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  await expectations("Deno.serve", api, issuers, asker(server.addr.port));
  await server.shutdown();
} else if (globalThis.Bun) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: handler });
  await expectations("Bun.serve", api, issuers, asker(server.port));
  await server.stop(true);
} else {
  const { once } = await import("node:events");
  const { createServer } = await import("node:http");
  const { default: express } = await import("express");
  const { Hono } = await import("hono");
  const { licensed } = await import("licentia/express");
  async function listening(app, test) {
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    await test(server.address().port);
    server.close();
    server.closeAllConnections();
  }

  const app = express();
  for (const [path, gate, route] of routes(api, issuers)) {
    app.get(path, licensed(gate, route), (request, response) => response.json({ sub: request.licentia.license.sub }));
  }
  await listening(app, (port) => expectations("Express", api, issuers, asker(port)));

  const plain = new Map(routes(api, issuers).map(([path, gate, route]) => [path, licensed(gate, route)]));
  const connect = (request, response) => plain.get(request.url.split("?")[0])(request, response, () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ sub: request.licentia.license.sub }));
  });
  await listening(connect, (port) => expectations("Node's server", api, issuers, asker(port)));

  const hono = new Hono();
  for (const [path, gate, route] of routes(api, issuers)) {
    hono.get(path, middleware.hono(gate, route), (context) => context.json({ sub: context.get("licentia").license.sub }));
  }
  await expectations("Hono", api, issuers, async (path, headers) => hono.request(path, { headers }));

  // The origin that proofs name is the configuration's, whatever a request says of its host.
  const seed = new Uint8Array(32).fill(9);
  const issuer = issuers.createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
  const token = issuer.issue('[[tier]]\nname = "pro"\nversion = 1\nterm = "1 year"\n', { tier: "pro", subject: "cus_42", holder: api.holderKey(seed).publicKey });
  const origin = "https://api.acme.example";
  const served = express().set("trust proxy", true);
  for (const [path, route] of [["/known", { origin }], ["/unknown", {}]]) {
    served.get(path, licensed(api.createGate({ keys: [issuer.publicKey] }), route), (_request, response) => response.json({}));
  }
  await listening(served, async (port) => {
    const own = `http://127.0.0.1:${port}`;
    for (const [path, named, status] of [["/known", origin, 200], ["/known", own, 401], ["/unknown", own, 401]]) {
      const proof = api.proofHeader(api.prove({ seed, token, method: "GET", uri: named + path }));
      const headers = { authorization: `Bearer ${token}`, "x-forwarded-proto": "https", ...proof };
      same((await asker(port)(path, headers)).status, status, `a proof for ${named} at ${path}`);
    }
  });
}

// What cannot be made again is passed on as it is.
const issuer = issuers.createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
const gate = api.createGate({ keys: [issuer.publicKey] });
const token = issuer.issue('[[tier]]\nname = "pro"\nversion = 1\nterm = "1 year"\nrates = { api = "20/1s" }\n', { tier: "pro", subject: "cus_42" });
const failure = Response.error();
const passed = await middleware.licensed(gate, () => failure, { rates: ["api"] })(new Request("http://a.example/", { headers: { authorization: `Bearer ${token}` } }));
same(passed === failure, true, "a response that stands for a failure");
