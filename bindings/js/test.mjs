// Packs what `build.mjs` made, installs the packed file as a stranger would, and tests it on every host.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const consumer = join(here, "build/consumer");
const program = (name) => join(here, "node_modules/.bin", name);

function run(file, ...words) {
  execFileSync(file, words, { stdio: "inherit", cwd: consumer, timeout: 180_000 });
}

function install() {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", "build"], { cwd: here });
  rmSync(consumer, { recursive: true, force: true });
  mkdirSync(consumer, { recursive: true });
  writeFileSync(join(consumer, "package.json"), '{ "private": true, "type": "module" }\n');
  const quiet = ["--silent", "--no-audit", "--no-fund", "--no-package-lock"];
  execFileSync("npm", ["install", ...quiet, "../licentia-0.1.0.tgz"], { cwd: consumer });
  cpSync(join(here, "tests"), join(consumer, "tests"), { recursive: true });
}

/** TypeScript that uses the package, as both kinds of module, under every resolution. */
function types() {
  cpSync(join(consumer, "tests/types/consumer.mts"), join(consumer, "tests/types/consumer.cts"));
  for (const [module, moduleResolution] of [["esnext", "bundler"], ["node16", "node16"], ["nodenext", "nodenext"]]) {
    for (const file of ["consumer.mts", "consumer.cts"]) {
      if (moduleResolution === "bundler" && file.endsWith("cts")) continue;
      const options = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2023,dom", "--types", "node", "--typeRoots", join(here, "node_modules/@types")];
      run(program("tsc"), "--ignoreConfig", ...options, "--module", module, "--moduleResolution", moduleResolution, `tests/types/${file}`);
    }
  }
  // What users write with the types of their framework. Those of Cloudflare stand in place of the browser's.
  for (const [file, lib, types, roots] of [
    ["worker.mts", "es2023", "@cloudflare/workers-types", join(here, "node_modules")],
    ["express.mts", "es2023,dom", "node,express", join(here, "node_modules/@types")],
  ]) {
    const options = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--lib", lib, "--types", types, "--typeRoots", roots];
    run(program("tsc"), "--ignoreConfig", ...options, "--module", "nodenext", "--moduleResolution", "nodenext", `tests/types/${file}`);
  }
  console.log("TypeScript: strict under bundler, node16 and nodenext; with the types of Workers, Hono and Express");
}

process.env.PORT = join(here, "ts/generated/port.js");
process.env.VECTORS ??= join(here, "../../tests/vectors");
process.env.WORKER = join(here, "../../examples/worker/src/index.js");
process.env.CHROMIUM ??= "/usr/bin/chromium";
process.env.REDIS ??= "/usr/bin/redis-server";
process.env.COUNTER ??= join(here, "../../target/debug/examples/count");
install();
const only = process.argv.slice(2);
const steps = {
  "Node, ESM": () => run("node", "tests/hosts/esm.mjs"),
  "Node, CJS": () => run("node", "tests/hosts/cjs.cjs"),
  Deno() {
    run(program("deno"), "run", "--allow-read", "--allow-env", "tests/hosts/esm.mjs");
    run(program("deno"), "run", "--allow-read", "--allow-env", "--allow-net", "tests/hosts/serve.mjs");
  },
  Bun() {
    run(program("bun"), "tests/hosts/esm.mjs");
    run(program("bun"), "tests/hosts/serve.mjs");
  },
  HTTP: () => run("node", "tests/hosts/serve.mjs"),
  failures: () => run("node", "tests/hosts/trap.mjs"),
  realms: () => run("node", "--expose-gc", "tests/hosts/realms.mjs"),
  Redis: () => run("node", "tests/hosts/redis.mjs"),
  "edge-light": () => run("node", "tests/hosts/edge-light.mjs"),
  workerd: () => run("node", "tests/hosts/workerd.mjs"),
  Chromium: () => run("node", "tests/hosts/browser.mjs"),
  memory: () => run("node", "--expose-gc", "tests/hosts/memory.mjs"),
  types: () => types(),
  publint: () => run(program("publint"), "../licentia-0.1.0.tgz", "--strict"),
  // TypeScript's older resolution knows neither exports nor conditions; a `.wasm` has no types.
  attw: () => run(program("attw"), "../licentia-0.1.0.tgz", "--profile", "node16", "--exclude-entrypoints", "licentia.wasm", "verify.wasm", "issuer.wasm"),
};
const failed = [];
for (const [name, step] of Object.entries(steps)) {
  if (only.length > 0 && !only.includes(name)) continue;
  try {
    step();
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    failed.push(name);
  }
}
if (failed.length > 0) throw new Error(`failed: ${failed.join(", ")}`);
