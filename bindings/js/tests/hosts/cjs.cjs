const { readFileSync } = require("node:fs");
const api = require("licentia");
const stores = require("licentia/stores");
const issuers = require("licentia/issuer");
const { createLicentia } = require("licentia/slim");
const middleware = require("licentia/fetch");
const { licensed } = require("licentia/express");

async function main() {
  const [{ report, run }, { smoke }, { behaviour }, { files }, { expectations, fetchHandler, routes }] = await Promise.all([
    import("../vectors.mjs"), import("../smoke.mjs"), import("../behaviour.mjs"), import("./load.mjs"), import("../http.mjs"),
  ]);
  console.log(report("Node, CJS", await run(api, stores, files())));
  smoke(api, issuers.createIssuer);
  smoke(createLicentia(readFileSync(require.resolve("licentia/licentia.wasm"))), issuers.createIssuer);
  await behaviour(api, stores, issuers);
  const handler = fetchHandler(api, issuers, middleware);
  await expectations("CJS, fetch", api, issuers, async (path, headers) => handler(new Request(`http://a.example${path}`, { headers })));
  const app = require("express")();
  for (const [path, gate, route] of routes(api, issuers)) {
    app.get(path, licensed(gate, route), (request, response) => response.json({ sub: request.licentia.license.sub }));
  }
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  await expectations("CJS, Express", api, issuers, (path, headers) => fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers }));
  server.close();
  server.closeAllConnections();
  // Each entry has a copy of its own of what they share; errors and requests are known all the same.
  const esm = await import("licentia");
  let thrown;
  try {
    esm.createGate({ keys: [] });
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof api.LicentiaError) || new Error() instanceof api.LicentiaError) throw new Error("LicentiaError is not known");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
