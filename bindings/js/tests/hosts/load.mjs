// Reads the shared vectors from the folder that the environment names; for Node, Deno and Bun.
import { readFileSync } from "node:fs";
import { FILES } from "../vectors.mjs";

export const files = () => Object.fromEntries(
  FILES.map((name) => [name, JSON.parse(readFileSync(`${process.env.VECTORS}/${name}.json`, "utf8"))]),
);
