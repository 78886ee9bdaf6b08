// The vectors in workerd, and the example over HTTP: exact under concurrent requests.
import { buildSync } from "esbuild";
import { Miniflare } from "miniflare";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createIssuer } from "licentia/issuer";
import { report } from "../vectors.mjs";
import { CATALOGUE } from "../smoke.mjs";
import { files } from "./load.mjs";

const folder = join(process.cwd(), "workerd");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "vectors.mjs"), `
import * as api from "licentia";
import * as stores from "licentia/stores";
import * as issuers from "licentia/issuer";
import { behaviour } from "../tests/behaviour.mjs";
import { run } from "../tests/vectors.mjs";
export default { async fetch(request) {
  try {
    await behaviour(api, stores, issuers);
    return Response.json(await run(api, stores, await request.json()));
  } catch (error) { return new Response(String(error?.stack ?? error), { status: 500 }); }
} };
`);
copyFileSync(join(process.cwd(), "tests/hosts/quota.mjs"), join(folder, "quota.mjs"));
copyFileSync(process.env.WORKER, join(folder, "example.mjs"));
const common = { bundle: true, format: "esm", conditions: ["workerd", "import"], external: ["*.wasm"], target: "es2022" };
for (const name of ["vectors", "example", "quota"]) {
  buildSync({ ...common, entryPoints: [join(folder, `${name}.mjs`)], outfile: join(folder, `${name}.js`) });
}
const WASM = ["licentia.wasm", "issuer.wasm"];
for (const file of WASM) copyFileSync(`node_modules/licentia/dist/${file}`, join(folder, file));
const modules = (name) => [
  { type: "ESModule", path: join(folder, `${name}.js`) },
  ...WASM.map((file) => ({ type: "CompiledWasm", path: join(folder, file) })),
];
const issuer = createIssuer("acme", { seed: new Uint8Array(32).fill(7) });
const base = { compatibilityDate: "2026-07-01", modulesRoot: folder };
const flare = new Miniflare({ workers: [
  { ...base, name: "example", modules: modules("example"), bindings: { ISSUER_KEY: issuer.publicKey },
    durableObjects: { QUOTA: { className: "LicentiaQuota", useSQLite: true } } },
  { ...base, name: "second", modules: modules("example"), bindings: { ISSUER_KEY: issuer.publicKey },
    durableObjects: { QUOTA: { className: "LicentiaQuota", scriptName: "example", useSQLite: true } } },
  { ...base, name: "quota", modules: modules("quota"), kvNamespaces: ["KV"],
    durableObjects: { QUOTA: { className: "Watched", useSQLite: true } } },
  { ...base, name: "vectors", modules: modules("vectors") },
] });
try {
  const url = await flare.ready;
  const vectors = await flare.getWorker("vectors");
  const answer = await vectors.fetch("http://x/", { method: "POST", body: JSON.stringify(files()) });
  if (answer.status !== 200) throw new Error(await answer.text());
  console.log(report("workerd", await answer.json()));

  const quota = await (await flare.getWorker("quota")).fetch("http://x/");
  if (quota.status !== 200) throw new Error(await quota.text());
  console.log(`workerd: ${await quota.text()}`);

  const token = issuer.issue(CATALOGUE, { tier: "pro", subject: "cus_42" });
  const ask = (path, token) => fetch(new URL(path, url), token ? { headers: { authorization: `Bearer ${token}` } } : {});
  const seen = [];
  const second = await flare.getWorker("second");
  const statuses = await Promise.all(Array.from({ length: 150 }, async (_, at) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = at % 2 ? await ask("/exports", token) : await second.fetch("http://x/exports", { headers });
    await response.arrayBuffer();
    return response.status;
  }));
  const count = (status) => statuses.filter((found) => found === status).length;
  const first = statuses.length;
  // What one instance leased and the other lacked is still there: nothing is granted twice, and all is usable.
  let granted = count(200);
  for (let at = 0; at < 100; at++) {
    const one = await ask("/exports", token);
    const headers = { authorization: `Bearer ${token}` };
    const two = await second.fetch("http://x/exports", { headers });
    granted += [one, two].filter(({ status }) => status === 200).length;
    await Promise.all([one.arrayBuffer(), two.arrayBuffer()]);
  }
  console.log(`worker example: ${count(200)} of ${first} concurrent requests granted, ${granted} in all, of 100`);
  if (granted !== 100 || count(200) + count(429) !== first) throw new Error("the shared quota is not exact");
  const good = await ask("/exports", token);
  seen.push(200, good.status, (await ask("/exports")).status, (await ask("/exports", `${token}A`)).status, (await ask("/sso", token)).status);
  if (seen.join() !== "200,429,401,401,403") throw new Error(`statuses ${seen}`);
  if (!good.headers.get("retry-after") || !(await good.json()).type) throw new Error("no problem details");
  console.log(`worker example: statuses ${seen}`);
} finally {
  await flare.dispose();
}
