// `licentia dev` and its page in Chromium: the first allowed call, the first 429 and the first revocation, seen live.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, start, view } from "./browser.mjs";
import { same, until } from "./expect.mjs";
import { dev } from "./program.mjs";
import { shots } from "./shots.mjs";

const began = performance.now();
const seconds = (since = began) => ((performance.now() - since) / 1000).toFixed(2);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const folder = mkdtempSync(join(tmpdir(), "licentia-live-"));
const gateway = await dev("--folder", folder);
const browser = await start();
let running = gateway;
try {
  const { page, faults } = await open(browser, gateway.page);
  const seen = view(page);
  await until("the page is live", 10_000, async () => await seen.state() === "live");
  const token = new URL(gateway.page).hash.split("=")[1];
  same(new URL(page.url()).hash, "", "the admin token has left the address bar");
  same(await seen.customer("northwind").then(({ tier, outcome, meters }) => [tier, outcome, meters]), ["free v1", "", []], "a customer before the first call");

  // The walk of the README.
  await seen.press("northwind", "call");
  await until("the first allowed call", 2000, async () => (await seen.rows())[0]?.outcome === "200allowed");
  const allowed = seconds();
  await seen.press("northwind", "burst");
  await until("the first 429", 10_000, async () => (await seen.rows()).some(({ outcome }) => outcome.startsWith("429")));
  const limited = seconds();
  const pressed = performance.now();
  await seen.press("northwind", "revoke");
  await until("the row of a revoked customer turns red", 1000, async () => (await seen.customer("northwind")).revoked);
  const revoked = seconds(pressed);
  console.log(`from the start of licentia dev: the first allowed call after ${allowed} s, the first 429 after ${limited} s, the first revocation after ${seconds()} s`);
  console.log(`a revocation is on the page ${revoked} s after the button`);
  same((await seen.customer("northwind")).outcome, "401500 revoked", "what the row of a revoked customer says");
  await until("it is red", 1000, async () => (await seen.customer("northwind")).background !== (await seen.customer("globex")).background);
  await seen.press("globex", "call");
  await until("its neighbour is not touched", 2000, async () => (await seen.customer("globex")).outcome === "200allowed");
  await seen.press("northwind", "renew");
  await until("a renewal ends it", 2000, async () => !(await seen.customer("northwind")).revoked);
  await seen.press("northwind", "upgrade");
  await until("an upgrade", 2000, async () => (await seen.customer("northwind")).tier === "pro v1");
  await seen.press("initech", "upgrade");
  await until("what cannot be done is said", 2000, async () => (await seen.text("#toast")) === "initech has the highest tier already");

  // The bars against what the gateway tells the customer.
  const header = (subject) => readFileSync(gateway.customers.find((customer) => customer.subject === subject).header, "utf8").trim().split(": ");
  const call = (subject, path) => fetch(gateway.api + path, { headers: [header(subject)] });
  for (let count = 0; count < 7; count++) same((await call("globex", "/v1/exports/9")).status, 200, "an export");
  const limits = (await call("globex", "/v1/exports/9")).headers.get("ratelimit");
  const remaining = Object.fromEntries([...limits.matchAll(/"(\w+)";r=(\d+)/g)].map(([, name, rest]) => [name, Number(rest)]));
  await until("the bars agree with the response's fields", 3000, async () => {
    const { meters } = await seen.customer("globex");
    return meters.length === 2 && meters.every(({ name, used, most }) => most === 500 && most - used === remaining[name]);
  });
  await pause(400);
  for (const { used, most, share } of (await seen.customer("globex")).meters) {
    if (Math.abs(share - used / most) > 0.01) throw new Error(`a bar shows ${share}, and ${used} of ${most} are used`);
  }
  same((await call("globex", "/v1/nowhere")).status, 403, "a path without a route");
  await until("it is shown too", 2000, async () => (await seen.rows()).some(({ outcome }) => outcome.includes("route_not_listed")));

  // Filters.
  const outcomes = async () => [...new Set((await seen.rows()).map(({ outcome }) => outcome.slice(0, 3)))];
  await page.select("#outcome", "denied");
  same((await outcomes()).includes("200"), false, "only what is denied");
  await page.select("#outcome", "");
  await page.type("#search", "initech");
  same((await seen.rows()).every(({ customer }) => customer === "initech"), true, "only a customer");
  await page.$eval("#search", (node) => { node.value = ""; node.dispatchEvent(new Event("input")); });
  await page.click("#pause");
  const before = (await seen.rows()).length;
  await call("globex", "/v1/forecast");
  await until("a paused page counts", 2000, async () => /1 new/.test(await seen.text("#pause")));
  same((await seen.rows()).length, before, "and adds no row");
  await page.click("#pause");
  same((await seen.rows())[0].customer, "globex", "which comes afterwards");

  // By keyboard alone: open an explanation, read it, close it, and be back.
  await page.focus("#rows tr .time button");
  await page.keyboard.press("Enter");
  const steps = await page.$$eval("#detail .steps li", (items) => items.map((item) => item.textContent));
  for (const check of ["signature", "revocation", "rate", "quota"]) {
    if (!steps.some((step) => step.includes(`${check} passed`))) throw new Error(`no ${check} in ${steps}`);
  }
  await page.keyboard.press("Escape");
  same(await page.evaluate(() => [document.activeElement.className, document.querySelector("#detail").open]), ["plain mono", false], "focus after a dialogue");
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  const tree = await page.accessibility.snapshot({ interestingOnly: false });
  const named = { button: 0, main: 0, banner: 0, region: 0, table: 0, meter: 0, search: 0, row: 0 };
  (function visit({ role, name, children = [] }) {
    if (role in named) named[role]++;
    if (["button", "textbox", "searchbox", "combobox", "meter", "region", "table", "image"].includes(role) && !name) throw new Error(`a ${role} without a name`);
    children.forEach(visit);
  })(tree);
  for (const [role, count] of Object.entries(named)) if (count === 0) throw new Error(`the page has no ${role}`);

  // Nobody else gets in, and nothing gets out.
  const admin = new URL(gateway.page);
  const answer = (path, headers) => new Promise((resolve, reject) => {
    ask({ host: admin.hostname, port: admin.port, path, headers }, (response) => { response.destroy(); resolve(response); }).on("error", reject).end();
  });
  const bearer = { authorization: `Bearer ${token}` };
  for (const [path, headers, status] of [
    ["/api/events", {}, 401], ["/api/events", { authorization: `Bearer ${token}x` }, 401], [`/api/events?token=${token}`, {}, 401],
    ["/api/events", { ...bearer, host: "evil.example" }, 421], ["/", { host: `evil.example:${admin.port}` }, 421],
    ["/api/dev/northwind/call", bearer, 404], ["/", {}, 200], ["/api/events", bearer, 200],
  ]) same((await answer(path, headers)).statusCode, status, `${path} ${JSON.stringify(Object.keys(headers))}`);
  const { headers } = await answer("/", {});
  same([headers["referrer-policy"], headers["x-content-type-options"], headers["cache-control"]], ["no-referrer", "nosniff", "no-store"], "fields of the page");
  same(["default-src 'none'", "frame-ancestors 'none'"].every((part) => headers["content-security-policy"].includes(part)), true, "the policy");
  same((await answer("/api/events", bearer)).headers["x-accel-buffering"], "no", "the stream");
  const secrets = [token, ...gateway.customers.map(({ subject }) => header(subject)[1].split("lic1_")[1].slice(0, 40)), "lic1_"];
  const document = await page.content();
  const stream = await fetch(new URL("api/events", admin.origin), { headers: bearer }).then(async ({ body }) => {
    const reader = body.getReader();
    const first = Buffer.from((await reader.read()).value).toString();
    await reader.cancel();
    return first;
  });
  for (const secret of secrets) {
    same([document.includes(secret), stream.includes(secret)], [false, false], "a secret on the page or in the stream");
  }
  const metrics = await (await fetch(gateway.metrics)).text();
  same(/licentia_decisions_total\{code="revoked",number="500"\} \d/.test(metrics), true, "metrics without a token");
  for (const path of ["healthz", "readyz"]) same((await fetch(new URL(path, gateway.metrics))).status, 200, path);
  same(faults, [], "errors, violations of the policy, foreign requests");
  // The page would notice.
  await page.evaluate(() => { document.body.setAttribute("style", "color: red"); });
  await until("a violation is noticed", 2000, () => faults.length > 0);
  faults.length = 0;

  // A flood: the page stays bounded, and says that it left some out.
  await Promise.all(Array.from({ length: 16 }, async () => { for (let count = 0; count < 125; count++) await (await call("initech", "/v1/status")).text(); }));
  const total = Number((await fetch(gateway.metrics).then((response) => response.text())).match(/outcome="allowed"\} (\d+)/)[1]);
  await until("the total is exact", 3000, async () => Number((await seen.text("#allowed")).replaceAll(",", "")) === total);
  same((await seen.rows()).length <= 100, true, "rows are bounded");

  // The gateway is killed, and comes back.
  await gateway.end("SIGKILL");
  await until("the page notices", 5000, async () => await seen.state() === "lost");
  const lost = performance.now();
  const ports = ["api", "page", "metrics"].map((name) => new URL(gateway[name]).host);
  running = await dev("--folder", folder, "--listen", ports[0], "--admin", ports[1], "--health", ports[2]);
  same(running.page, gateway.page, "the page's address stays");
  await until("the page is live again", 12_000, async () => await seen.state() === "live");
  console.log(`live again ${seconds(lost)} s after it was lost`);
  await seen.press("globex", "call");
  await until("decisions go on", 3000, async () => (await seen.customer("globex")).meters.some(({ name, used }) => name === "calls" && used >= 500 - remaining.calls + 1));
  same(faults.filter((fault) => !fault.includes("ERR_")), [], "errors and violations afterwards");

  const made = join(process.env.SHOTS, "live");
  mkdirSync(made, { recursive: true });
  await shots(browser, running, made);
  console.log(`screenshots are in ${made}`);
  same(await running.end("SIGINT"), 0, "Ctrl-C ends it");
} finally {
  await browser.close();
  await running.end("SIGKILL").catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
