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

install();
const steps = {
  "Node, ESM": () => run("node", "tests/hosts/esm.mjs"),
  "Node, CJS": () => run("node", "tests/hosts/cjs.cjs"),
  Deno: () => run(program("deno"), "run", "--allow-read", "--allow-env", "tests/hosts/esm.mjs"),
  Bun: () => run(program("bun"), "tests/hosts/esm.mjs"),
};
const failed = [];
for (const [name, step] of Object.entries(steps)) {
  try {
    step();
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    failed.push(name);
  }
}
if (failed.length > 0) throw new Error(`failed: ${failed.join(", ")}`);
