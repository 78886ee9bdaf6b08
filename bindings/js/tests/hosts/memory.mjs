// Memory over a million checks, after a warm-up, in Node: `node --expose-gc`.
import "./page.mjs";
const loop = globalThis.licentiaTest.million();
const sizes = [];
for (let round = 0; round < 5; round++) {
  loop(200_000);
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  sizes.push(heapUsed + arrayBuffers);
}
console.log(`Node, a million checks: heap and buffers of ${sizes.map((size) => (size / 1e6).toFixed(2)).join(", ")} MB`);
if (sizes[4] > sizes[0] + 1_000_000) throw new Error("memory grows");
