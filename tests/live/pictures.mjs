// The pictures in the README. `pictures.mjs write` makes them; without `write`, it checks that they are of the page as
// it is now, in the size and under the text that the README says.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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
  const folder = mkdtempSync(join(tmpdir(), "licentia-live-"));
  const gateway = await dev("--folder", folder);
  const browser = await start();
  try {
    const { page: live } = await open(browser, gateway.page, SIZE);
    const seen = view(live);
    await until("the page is live", 10_000, async () => await seen.state() === "live");
    // A minute and a half of an ordinary day, and then the revocation.
    for (let second = 0; second < 90; second++) {
      const calls = 4 + Math.round(3 * Math.sin(second / 9));
      for (let call = 0; call < calls; call++) {
        await seen.press(["globex", "initech", "initech", "globex"][call % 4], "call");
      }
      if (second % 30 === 20) await seen.press("northwind", "burst");
      if (second % 11 === 5) await seen.press("northwind", "call");
      await pause(900);
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
    rmSync(folder, { recursive: true, force: true });
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
