// The pictures in the README. `pictures.mjs write` makes them; without `write`, it checks that they are of the page as
// it is now, in the size and under the text that the README says.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open, start, view } from "./browser.mjs";
import { same, until } from "./expect.mjs";
import { dev } from "./program.mjs";

const SIZE = { width: 1280, height: 860 };
const docs = join(process.env.ROOT, "docs");
const page = createHash("sha256").update(readFileSync(join(process.env.ROOT, "gateway/src/admin/page.html"))).digest("hex");
const record = join(docs, "live.json");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function write() {
  const gateway = await dev();
  const browser = await start();
  try {
    const { page: live } = await open(browser, gateway.page, SIZE);
    const seen = view(live);
    await until("the page is live", 10_000, async () => await seen.state() === "live");
    // Two minutes of an ordinary day, and then the revocation.
    const header = (subject) => readFileSync(gateway.customers.find((customer) => customer.subject === subject).header, "utf8").trim().split(": ");
    const fields = Object.fromEntries(["northwind", "globex", "initech"].map((subject) => [subject, [header(subject)]]));
    const call = async (subject, path) => (await fetch(gateway.api + path, { headers: fields[subject] })).text();
    for (let second = 0; second < 118; second++) {
      const began = performance.now();
      const busy = 6 + Math.round(5 * Math.sin(second / 14) + 2 * Math.sin(second / 3));
      for (let count = 0; count < busy; count++) {
        const export_ = count % 5 === 4;
        await call(count % 3 === 1 ? "globex" : "initech", export_ ? `/v1/exports/${count}` : "/v1/forecast");
      }
      if (second % 4 === 1) await call("northwind", "/v1/forecast");
      if (second % 13 === 6) await call("northwind", "/v1/exports/7");
      await pause(1000 - (performance.now() - began));
    }
    await seen.press("northwind", "revoke");
    await until("the revocation", 2000, async () => (await seen.customer("northwind")).revoked);
    await pause(1500);
    for (const scheme of ["light", "dark"]) {
      await live.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await live.mouse.move(5, 5);
      await live.evaluate(() => document.activeElement.blur());
      await pause(1200);
      await live.screenshot({ path: join(docs, `live-${scheme}.png`) });
    }
    writeFileSync(record, `${JSON.stringify({ page, ...SIZE }, null, 2)}\n`);
  } finally {
    await browser.close();
    await gateway.end("SIGTERM");
  }
}

function check() {
  const { page: pictured, width, height } = JSON.parse(readFileSync(record, "utf8"));
  if (pictured !== page) throw new Error("gateway/src/admin/page.html has changed since docs/live-*.png: run `cargo xtask live`");
  const readme = readFileSync(join(process.env.ROOT, "README.md"), "utf8");
  for (const scheme of ["light", "dark"]) {
    const bytes = readFileSync(join(docs, `live-${scheme}.png`));
    same([bytes.toString("latin1", 1, 4), bytes.readUInt32BE(16), bytes.readUInt32BE(20)], ["PNG", width, height], `docs/live-${scheme}.png`);
    same(bytes.length < 300_000, true, `docs/live-${scheme}.png is small`);
    same(readme.includes(`docs/live-${scheme}.png`), true, `README.md shows docs/live-${scheme}.png`);
  }
  same(/<img [^>]*alt="[^"]{40,}"[^>]*>/.test(readme), true, "README.md says what the picture shows");
  console.log("the pictures in the README are of this page");
}

if (process.argv[2] === "write") await write(); else check();
