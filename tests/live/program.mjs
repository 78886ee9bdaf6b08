// Starts and ends the program under test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** `licentia dev`, running: where everything is, and how to end it. */
export async function dev(...options) {
  const child = spawn(process.env.LICENTIA, ["--json", "dev", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, "line"), ended.then(([code]) => { throw new Error(`licentia dev ended with ${code}`); })]);
  async function end(signal) {
    child.kill(signal);
    const [code] = await ended;
    return code;
  }
  return { ...JSON.parse(first[0]), end };
}
