// What edge functions load: modules compiled by the bundler, imported with `?module`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { build } from "esbuild";
import { report, run } from "../vectors.mjs";
import { behaviour } from "../behaviour.mjs";
import { files } from "./load.mjs";

const compiled = {
  name: "compiled",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.split("?")[0]), namespace: "wasm" }));
    onLoad({ filter: /.*/, namespace: "wasm" }, ({ path }) => ({
      contents: `export default new WebAssembly.Module(Uint8Array.from(atob("${readFileSync(path, "base64")}"), (digit) => digit.charCodeAt(0)));`,
    }));
  },
};
const source = `
export * as api from "licentia";
export * as issuers from "licentia/issuer";
export * as stores from "licentia/stores";
`;
const outfile = join(process.cwd(), "edge-light.mjs");
await build({
  stdin: { contents: source, resolveDir: process.cwd() }, bundle: true, format: "esm", platform: "neutral",
  conditions: ["edge-light", "import"], plugins: [compiled], outfile,
});
const { api, issuers, stores } = await import(pathToFileURL(outfile));
console.log(report("edge-light", await run(api, stores, files())));
await behaviour(api, stores, issuers);
