// Chromium: a page without a bundler, under a strict policy, and pages that Vite and webpack built.
import { createServer } from "node:http";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { extname, join } from "node:path";
import puppeteer from "puppeteer-core";
import { build } from "vite";
import webpack from "webpack";
import { report } from "../vectors.mjs";

const root = process.cwd();
const entry = join(root, "tests/hosts/page.mjs");
const html = (script, map = "") => `<!doctype html><meta charset="utf-8">${map}<script type="module" src="${script}"></script>`;
const imports = Object.fromEntries(["", "/stores", "/issuer"].map((part) => (
  [`licentia${part}`, `/node_modules/licentia/dist/${part.slice(1) || "index"}.js`]
)));
mkdirSync("vite", { recursive: true });
writeFileSync("plain.html", html("/tests/hosts/page.mjs", `<script type="importmap">${JSON.stringify({ imports })}</script>`));
writeFileSync("vite/index.html", html("../tests/hosts/page.mjs"));
await build({ root: join(root, "vite"), base: "/vite/dist/", logLevel: "error", build: { outDir: "dist", chunkSizeWarningLimit: 5000 } });
await new Promise((resolve, reject) => webpack(
  { mode: "production", entry, context: root, output: { path: join(root, "webpack"), filename: "page.js" }, performance: false },
  (error, stats) => (error || stats.hasErrors() ? reject(error ?? new Error(stats.toString())) : resolve()),
));
writeFileSync("webpack/index.html", html("/webpack/page.js"));

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };
const server = createServer((request, response) => {
  const path = new URL(request.url, "http://x").pathname;
  try {
    const file = path.startsWith("/vectors/") ? join(process.env.VECTORS, path.slice(9)) : join(root, path);
    const bytes = readFileSync(file);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-security-policy", "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'");
    response.end(bytes);
  } catch {
    response.statusCode = 404;
    response.end();
  }
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage", "--enable-precise-memory-info", "--js-flags=--expose-gc"],
});
try {
  for (const [name, path] of [["no bundler", "/plain.html"], ["Vite", "/vite/dist/index.html"], ["webpack", "/webpack/index.html"]]) {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    const errors = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(origin + path);
    await page.waitForFunction("globalThis.licentiaTest", { timeout: 20_000 }).catch((error) => { throw errors[0] ?? error; });
    console.log(report(`Chromium, ${name}`, await page.evaluate("licentiaTest.page()")));
    if (name === "no bundler") console.log(await page.evaluate("licentiaTest.flat()"));
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
}
