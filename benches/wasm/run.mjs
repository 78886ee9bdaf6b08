// Prints what prepared keys gain in WebAssembly: run.mjs FOLDER KEY TOKEN
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, key, token] = process.argv.slice(2);
const { initSync, Issuer } = await import(pathToFileURL(`${folder}/prepared.js`));
initSync({ module: readFileSync(`${folder}/prepared_bg.wasm`) });
const [issuer, licence] = [key, token].map((path) => readFileSync(path, "utf8").trim());
const now = 1_800_000_000;

/** Microseconds of one verification: the best of many rounds. */
function measure(bytes) {
  const started = performance.now();
  const subject = Issuer.of(issuer, bytes);
  const prepared = performance.now() - started;
  if (subject.verify(licence, now, 50) !== 50) throw new Error("denied");
  let best = Infinity;
  for (let round = 0; round < 40; round++) {
    const began = performance.now();
    subject.verify(licence, now, 200);
    best = Math.min(best, ((performance.now() - began) * 1000) / 200);
  }
  return { best, prepared };
}

const plain = measure(0);
console.log(`| Node ${process.version}, WebAssembly | a verification | against no tables | tables made in |`);
console.log("|---|---|---|---|");
console.log(`| no tables | ${plain.best.toFixed(1)} us | 1 | |`);
for (const bytes of [81_920, 220_160, 700_000]) {
  const { best, prepared } = measure(bytes);
  const size = `${Math.round(bytes / 1024)} KiB for a key`;
  console.log(`| ${size} | ${best.toFixed(1)} us | ${(best / plain.best).toFixed(2)} | ${prepared.toFixed(1)} ms |`);
}
