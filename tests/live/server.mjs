// The server's page in Chromium: the main walk, by mouse and by keyboard, and what an attacker would try.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, start } from "./browser.mjs";
import { same, until } from "./expect.mjs";

const folder = mkdtempSync(join(tmpdir(), "licentia-server-"));
const server = spawn(process.env.SHOWCASE, [folder], { stdio: ["pipe", "pipe", "inherit"] });
const { url, credential, viewer } = await new Promise((resolve, reject) => {
  let text = "";
  server.stdout.on("data", (part) => { text += part; if (text.includes("\n")) resolve(JSON.parse(text)); });
  server.on("exit", (code) => reject(new Error(`the showcase ended with ${code}`)));
});
const browser = await start();
const MARKUP = "<img src=x onerror=alert(1)>";
try {
  const { page, faults } = await open(browser, url);
  // Events of the page's own dialogues, such as of a script that got in.
  page.on("dialog", (dialog) => { faults.push(`dialogue: ${dialog.message()}`); dialog.dismiss(); });
  const text = (selector = "main") => page.$eval(selector, (node) => node.innerText);
  const title = (wanted) => until(`the page “${wanted}”`, 10_000, async () => (await page.$eval("h1", (node) => node.textContent.trim()).catch(() => "")) === wanted);
  const go = async (hash, wanted) => { await page.evaluate((to) => { location.hash = to; }, hash); await title(wanted); };
  const press = (words, root = "body") => page.evaluate((words, root) => {
    const found = [...document.querySelectorAll(`${root} button, ${root} a`)].find((node) => node.textContent.trim() === words);
    if (!found) throw new Error(`no button “${words}”`);
    found.click();
  }, words, root);
  const fill = (name, value) => page.evaluate((name, value) => {
    const field = document.querySelector(`dialog [name="${name}"]`);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }, name, value);
  const closed = () => until("the dialogue is closed", 5000, () => page.$eval("#dialog", (node) => !node.open));

  // Signing in: nothing is shown before, a wrong licence is refused, and no link signs anybody in.
  await title("Licentia server");
  same(await page.$eval("#bar", (node) => node.hidden), true, "nothing is shown to strangers");
  await page.type("#credential", "lic1_nonsense");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await until("a wrong licence is refused", 5000, async () => (await page.$(".note[role=alert]:not([hidden])")) != null);
  for (const fixed of [`#token=${credential}`, `#/?credential=${credential}`, `?token=${credential}`]) {
    await page.goto(url + fixed);
    await title("Licentia server");
    same(await page.evaluate(() => sessionStorage.length), 0, "a link signs nobody in");
  }
  await page.goto(url);
  await page.type("#credential", credential);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await title("Overview");
  same(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]), ["", 0, 1], "the credential is in the tab alone");
  await until("figures", 5000, async () => /Active licences\s+1\d/.test(await text()));
  same(await page.$$eval(".plot", (plots) => plots.every((plot) => plot.querySelectorAll("rect[class^=c]").length > 4)), true, "usage is drawn");

  // Issue, and the secret is shown once.
  await press("Issue a licence");
  await fill("subject", "umbrella");
  await fill("reference", "order 77");
  await page.select("dialog [name=tier]", "pro@3");
  await press("Issue", "dialog");
  await until("the licence is shown", 5000, async () => (await page.$eval(".secret", (node) => node.textContent).catch(() => "")).startsWith("lic1_"));
  const issued = await page.$eval(".secret", (node) => node.textContent);
  await press("Done", "dialog");
  await closed();
  same((await page.content()).includes(issued), false, "the token is gone from the page");

  // Search, open it by keyboard, and its timeline.
  await go("#/licenses", "Licences");
  await page.type("input[type=search]", "umbrel");
  await page.keyboard.press("Enter");
  await until("it is found", 5000, async () => /umbrella/.test(await text("tbody")) && await page.$$eval("tbody tr", (rows) => rows.length) === 1);
  await page.focus("tbody a");
  await page.keyboard.press("Enter");
  await title("umbrella");
  same(await page.evaluate(() => document.activeElement.tagName), "H1", "the focus is on the new page's title");
  await until("its timeline", 5000, async () => /Issued[\s\S]*pro v3[\s\S]*by admin/.test(await text(".timeline")));
  const lineage = await page.evaluate(() => location.hash.split("/")[2]);

  // Webhooks: a receiver that verifies each message.
  const received = [];
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => { body += part; });
    request.on("end", () => {
      received.push({ body: JSON.parse(body), id: request.headers["webhook-id"], good: () => {
        const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signatures } = request.headers;
        const expected = createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`${id}.${time}.${body}`).digest("base64");
        return signatures.split(" ").includes(`v1,${expected}`) && Math.abs(Date.now() / 1000 - time) < 60;
      } });
      response.writeHead(request.url === "/bad" ? 500 : 204).end();
    });
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const hook = `http://127.0.0.1:${receiver.address().port}`;
  await go("#/webhooks", "Webhooks");
  await press("Add a webhook");
  await fill("url", "http://169.254.169.254/latest/meta-data");
  await press("Add", "dialog");
  await until("an address inside is refused", 5000, async () => /not public/.test(await text("dialog")));
  await fill("url", `${hook}/good`);
  await press("Add", "dialog");
  await until("its secret is shown", 5000, async () => (await page.$eval(".secret", (node) => node.textContent).catch(() => "")).startsWith("whsec_"));
  const secret = await page.$eval(".secret", (node) => node.textContent);
  await press("Done", "dialog");
  await closed();
  await until("the new webhook is listed", 5000, async () => (await text()).includes("/good"));
  await press("Test", "tbody");
  await until("the test event arrives", 8000, () => received.length === 1);
  same([received[0].body.type, received[0].good()], ["webhook.test", true], "a signed message");
  await until("its delivery is shown", 8000, async () => { await page.evaluate(() => dispatchEvent(new HashChangeEvent("hashchange"))); await title("Webhooks"); return /delivered/.test(await text("section:last-of-type tbody").catch(() => "")); });
  await press("Replay", "section:last-of-type tbody");
  await until("the same message again", 8000, () => received.length === 2);
  same(received[1].id, received[0].id, "with its identifier");

  // Renew, change the tier, revoke, reinstate: each is on the timeline, and told to the webhook.
  await go(`#/license/${lineage}`, "umbrella");
  await press("Renew");
  await fill("term", "2 years");
  await press("Renew", "dialog");
  await until("renewed", 5000, async () => (await page.$eval(".secret", (node) => node.textContent).catch(() => "")).startsWith("lic1_"));
  await press("Done", "dialog");
  await until("the renewal is on the timeline", 5000, async () => /Renewed/.test(await text(".timeline")));
  await press("Upgrade");
  await page.select("dialog [name=tier]", "team@2");
  await press("Change", "dialog");
  await until("upgraded", 5000, async () => (await page.$eval(".secret", (node) => node.textContent).catch(() => "")).startsWith("lic1_"));
  await press("Done", "dialog");
  await until("the new tier is shown", 5000, async () => /Tier changed/.test(await text(".timeline")));
  await press("Revoke");
  await page.select("dialog [name=reason]", "fraud");
  await press("Revoke", "dialog");
  await until("the count is asked for", 8000, async () => !(await page.$eval("#dialog", (node) => node.open)) || /This would revoke/.test(await text("dialog")));
  if (await page.$eval("#dialog", (node) => node.open)) {
    const count = await page.$eval("#dialog-title", (node) => node.textContent.match(/\d+/)[0]);
    await fill("count", count);
    await page.evaluate(() => document.querySelector("dialog button.danger.main").click());
  }
  await closed();
  await until("it is revoked", 8000, async () => /revoked/.test(await text(".pill")) && /Revoked[\s\S]*by admin/.test(await text(".timeline")));
  await press("Reinstate");
  await press("Reinstate", "dialog");
  await closed();
  await until("it is reinstated", 8000, async () => /active/.test(await text(".pill")));
  const happened = (await text(".timeline")).match(/Issued|Renewed|Tier changed|Revoked|Reinstated/g);
  same(happened.sort(), ["Issued", "Reinstated", "Renewed", "Revoked", "Tier changed"], "each once on the timeline");
  await until("all of it was told", 10_000, () => ["license.renewed", "license.upgraded", "license.revoked", "license.reinstated"].every((kind) => received.some(({ body, good }) => body.type === kind && body.data.license.subject === "umbrella" && good())));

  // Usage, gateways, payments, audit.
  await go("#/usage?by=customer,meter", "Usage");
  await until("lines", 5000, async () => /globex/.test(await text("tbody")));
  await go("#/gateways", "Gateways");
  await until("gateways", 5000, async () => /gateway-eu[\s\S]*whole/.test(await text("tbody")));
  same(await page.$$eval(".flow li", (items) => items.length > 20), true, "receipts as they arrived");
  await go("#/payments", "Payments");
  await until("subscriptions", 5000, async () => /past due/.test(await text("tbody")));
  await go("#/audit", "Audit");
  await until("the audit", 5000, async () => /revoke/.test(await text("tbody")));

  // A subject that is markup is a text, wherever it stands.
  for (const [hash, wanted] of [["#/customers", "Customers"], [`#/customer/${encodeURIComponent(MARKUP)}`, MARKUP], ["#/usage?by=customer", "Usage"]]) {
    await go(hash, wanted);
    await until(`the text on ${hash}`, 5000, async () => (await text("body")).includes(MARKUP));
    same(await page.$$eval("main img", (images) => images.length), 0, "no markup of a subject");
  }

  // By keyboard: the skip link, and a dialogue that gives the focus back.
  await go("#/customers", "Customers");
  await page.reload();
  await title("Customers");
  await page.keyboard.press("Tab");
  same(await page.evaluate(() => document.activeElement.className), "skip", "the first stop");
  await page.focus(".title .actions button");
  await page.keyboard.press("Enter");
  same(await page.$eval("#dialog", (node) => node.open), true, "a dialogue opens");
  await page.keyboard.press("Escape");
  same(await page.evaluate(() => document.activeElement.textContent), "Issue a licence", "the focus is back");
  for (const [hash, wanted] of [["#/", "Overview"], ["#/usage", "Usage"], ["#/webhooks", "Webhooks"], [`#/license/${lineage}`, "umbrella"]]) {
    await go(hash, wanted);
    const tree = await page.accessibility.snapshot({ interestingOnly: false });
    (function visit({ role, name, children = [] }) {
      if (["button", "link", "textbox", "searchbox", "combobox", "checkbox", "region", "table", "image", "navigation"].includes(role) && !name) throw new Error(`a ${role} without a name on ${wanted}`);
      children.forEach(visit);
    })(tree);
  }

  // What an attacker tries: another page's frame, form and script; a foreign credential.
  const answer = (path, headers = {}, method = "GET", body) => new Promise((resolve, reject) => {
    const made = ask(new URL(path, url), { method, headers }, (response) => { response.resume(); resolve(response); });
    made.on("error", reject).end(body);
  });
  const { headers } = await answer("/");
  same(["default-src 'none'", "frame-ancestors 'none'", "trusted-types 'none'", "form-action 'none'"].every((part) => headers["content-security-policy"].includes(part)), true, "the policy");
  same([headers["x-frame-options"], headers["referrer-policy"], headers["x-content-type-options"], headers["cross-origin-opener-policy"], headers["set-cookie"]], ["DENY", "no-referrer", "nosniff", "same-origin", undefined], "fields of the page");
  for (const [path, fields, status] of [
    ["/v1/overview", {}, 401], ["/v1/overview", { authorization: `Bearer ${viewer}` }, 200], ["/v1/overview", { authorization: `Bearer ${issued}` }, 403],
    ["/v1/webhooks", { authorization: `Bearer ${viewer}` }, 403], ["/v1/me/usage", { authorization: `Bearer ${issued}` }, 200], ["/v1/overview", { cookie: `credential=${credential}` }, 401],
  ]) same((await answer(path, fields)).statusCode, status, `${path} ${Object.keys(fields)}`);
  // A form of another site: no field that says who calls, and a media type that is refused.
  same((await answer("/v1/licenses", { "content-type": "text/plain", origin: "http://evil.example" }, "POST", '{"subject":"x","tier":"pro"}')).statusCode, 401, "a form of another site");
  const preflight = await answer("/v1/licenses", { origin: "http://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "authorization" }, "OPTIONS");
  same(preflight.headers["access-control-allow-origin"], undefined, "no other origin is let in");
  const frame = await browser.newPage();
  await frame.setContent(`<iframe src="${url}"></iframe>`);
  await until("a frame shows nothing", 5000, async () => frame.frames().length > 1 && !(await frame.frames()[1].content().catch(() => "")).includes("Sign in"));
  await frame.close();
  same(faults, [], "errors, violations of the policy, foreign requests");
  await page.evaluate(() => { document.body.setAttribute("style", "color: red"); });
  await until("a violation is noticed", 2000, () => faults.length > 0);
  faults.length = 0;

  // Signing out forgets everything.
  await press("Sign out");
  await title("Licentia server");
  same(await page.evaluate(() => sessionStorage.length), 0, "the credential is gone");
  same(await text("body").then((all) => /umbrella|globex/.test(all)), false, "nothing is left");
  // Someone who may only look has no sections of the administrator.
  await page.type("#credential", viewer);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await title("Overview");
  same(/Webhooks|Audit/.test(await text("#nav")), false, "no sections of the administrator");
  await page.close();

  // Pictures at two widths, light and dark.
  const made = join(process.env.SHOTS, "server-page");
  mkdirSync(made, { recursive: true });
  for (const scheme of ["light", "dark"]) for (const [width, height] of [[1280, 860], [390, 844]]) {
    const { page: shot, faults: wrong } = await open(browser, url, { width, height, scheme });
    await shot.evaluate((text) => { sessionStorage.setItem("credential", text); }, credential);
    for (const [name, hash] of [["overview", "#/"], ["license", `#/license/${lineage}`], ["customers", "#/customers"], ["usage", "#/usage"], ["gateways", "#/gateways"], ["webhooks", "#/webhooks"], ["payments", "#/payments"], ["audit", "#/audit"]]) {
      if (process.env.QUICK && name !== "overview") continue;
      await shot.goto("about:blank");
      await shot.goto(url + hash);
      await until(`${name} is drawn`, 8000, async () => (await shot.$("main section")) != null && (await shot.$("#bar[hidden]")) == null);
      await new Promise((resolve) => setTimeout(resolve, 250));
      const overflow = await shot.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      same(overflow <= 0, true, `${name} at ${width} px is not wider than the screen (${overflow})`);
      await shot.screenshot({ path: join(made, `${name}-${width}-${scheme}.png`), fullPage: width === 390 });
    }
    same(wrong, [], `faults at ${width} px, ${scheme}`);
    await shot.close();
  }
  receiver.close();
  console.log(`screenshots are in ${made}`);
} finally {
  await browser.close();
  server.stdin.end();
  rmSync(folder, { recursive: true, force: true });
}
