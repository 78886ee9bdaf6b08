const api = require("licentia");
const stores = require("licentia/stores");
const { createIssuer } = require("licentia/issuer");
Promise.all([import("../vectors.mjs"), import("../smoke.mjs"), import("./load.mjs")]).then(
  async ([{ report, run }, { smoke }, { files }]) => {
    console.log(report("Node, CJS", await run(api, stores, files())));
    smoke(api, createIssuer);
  },
).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
