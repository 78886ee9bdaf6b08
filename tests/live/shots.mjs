// Pictures of the page, in both schemes and on a narrow screen. None may scroll sideways.
import { join } from "node:path";
import { open, view } from "./browser.mjs";
import { until } from "./expect.mjs";

export async function shots(browser, gateway, folder) {
  for (const [name, width, height, scheme] of [
    ["light", 1280, 860, "light"], ["dark", 1280, 860, "dark"], ["narrow-light", 390, 844, "light"], ["narrow-dark", 390, 844, "dark"],
  ]) {
    const { page, faults } = await open(browser, gateway.page, { width, height, scheme });
    const seen = view(page);
    await until("the page is live", 10_000, async () => await seen.state() === "live" && (await seen.rows()).length > 0);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await page.screenshot({ path: join(folder, `${name}.png`) });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wider > 0) throw new Error(`${name}: the page is ${wider} pixels too wide`);
    if (faults.length) throw new Error(`${name}: ${faults}`);
    await page.close();
  }
}
