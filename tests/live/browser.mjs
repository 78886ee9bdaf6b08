// Chromium, and a page that notices what it must not do.
import puppeteer from "puppeteer-core";
import { until } from "./expect.mjs";

const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const start = () => puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ARGUMENTS });

/** Opens an address. `faults` lists errors of scripts, violations of the policy, and requests to elsewhere. */
export async function open(browser, address, { width = 1280, height = 860, scheme = "light" } = {}) {
  const page = await browser.newPage();
  const faults = [];
  const own = new URL(address).origin;
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(own) && !request.url().startsWith("data:")) faults.push(`request to ${request.url()}`);
  });
  await page.exposeFunction("noteViolation", (text) => faults.push(`policy: ${text}`));
  await page.evaluateOnNewDocument(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      noteViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width, height });
  await page.goto(address);
  return { page, faults };
}

/** What a test asks of the live page. */
export function view(page) {
  const text = (selector) => page.$eval(selector, (node) => node.textContent).catch(() => null);
  const row = (subject) => page.evaluateHandle((name) => (
    [...document.querySelectorAll("#customers tbody tr")].find((one) => one.querySelector("button").textContent === name)
  ), subject);
  return {
    text,
    state: () => page.$eval("#state", (node) => node.dataset.state),
    async press(subject, action) {
      // A page that is live draws its rows with the next frame.
      const button = await until(`the button ${action} of ${subject}`, 2000, async () => (
        (await row(subject)).asElement()?.$(`button[data-action="${action}"]`)
      ));
      await button.click();
    },
    customer: (subject) => page.evaluate((name) => {
      const found = [...document.querySelectorAll("#customers tbody tr")].find((one) => one.querySelector("button").textContent === name);
      if (!found) return null;
      const meters = [...found.querySelectorAll(".meter")].map((meter) => {
        const track = meter.querySelector(".track");
        const [used, most] = ["aria-valuenow", "aria-valuemax"].map((attribute) => Number(track.getAttribute(attribute)));
        const share = track.firstChild.getBoundingClientRect().width / track.getBoundingClientRect().width;
        return { name: meter.firstChild.textContent, used, most, share };
      });
      return {
        revoked: found.dataset.revoked === "true", background: getComputedStyle(found.cells[0]).backgroundColor,
        tier: found.querySelector(".tier").textContent, outcome: found.querySelector(".pill")?.textContent ?? "", meters,
      };
    }, subject),
    rows: () => page.$$eval("#rows tr", (rows) => rows.map((row) => ({
      customer: row.querySelector(".customer").textContent, outcome: row.querySelector(".outcome").textContent,
      route: row.querySelector(".route").textContent, left: row.querySelector(".left").textContent,
    }))),
  };
}
