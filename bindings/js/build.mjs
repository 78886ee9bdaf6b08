// Builds the package: `node build.mjs BINDGEN FOLDER`. The folder has licentia.wasm, verify.wasm and issuer.wasm as
// cargo built them.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

const [bindgen, folder] = process.argv.slice(2);
const here = import.meta.dirname;
const [build, generated, dist] = ["build", "ts/generated", "dist"].map((name) => join(here, name));
/** The type of each module's exports. */
const TYPES = { licentia: 'import("../module/port.js").Port', verify: 'import("../module/port.js").Port', issuer: 'import("../module/vendor-port.js").RawVendor' };
/** Largest gzipped size of each module, and the targets; see the README. */
const LIMITS = { licentia: 101_000, verify: 38_300, issuer: 242_000 };
const TARGETS = { licentia: 60_000, verify: 30_000 };
/** Paths of this machine, which no module may contain. */
const PLACES = [join(here, "../.."), homedir(), process.env.CARGO_HOME, process.env.RUSTUP_HOME, "/home/", "/root/", "/Users/", "/usr/src/", "/usr/local/", "/tmp/", "/rustc/"];

for (const made of [build, generated, dist]) {
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
}

/** Wraps wasm-bindgen's module, which holds one instance, in a function that makes any number of them. */
function factory(glue, type) {
  const cut = glue.indexOf("let wasmModule, wasmInstance, wasm;");
  if (cut < 0) throw new Error("wasm-bindgen's output is not as expected");
  const names = [...glue.matchAll(/^export (?:class|function) (\w+)/gm)].map((match) => match[1]);
  const body = glue.slice(0, cut).replace(/^export /gm, "").replace(/^if \(Symbol.dispose\).*$/gm, "");
  const pass = "function passStringToWasm0(arg, malloc, realloc) {\n";
  if (!body.includes(pass)) throw new Error("wasm-bindgen's output is not as expected");
  return `/** @returns {${type}} */
export function instantiate(module) {
let wasm;
${body.replace(pass, pass + WHOLE)}
wasm = new WebAssembly.Instance(module, __wbg_get_imports()).exports;
wasm.__wbindgen_start();
return { ${names.join(", ")} };
}
`;
}

/** Copies a long text at once. wasm-bindgen would go through it character by character. */
const WHOLE = `
    if (arg.length > 48 && realloc !== undefined) {
        const length = arg.length, start = malloc(length, 1) >>> 0;
        const view = getUint8ArrayMemory0().subarray(start, start + length);
        const { read, written } = cachedTextEncoder.encodeInto(arg, view);
        if (read === length && written === length) {
            WASM_VECTOR_LEN = length;
            return start;
        }
        wasm.__wbindgen_free(start, length, 1);
    }
`;

const DECODE = `
function decode(text) {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text);
  const digits = atob(text);
  const bytes = new Uint8Array(digits.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = digits.charCodeAt(at);
  return bytes;
}
`;

for (const [name, type] of Object.entries(TYPES)) {
  execFileSync(bindgen, [join(folder, `${name}.wasm`), build, name], { stdio: "inherit" });
  const wasm = join(dist, `${name}.wasm`);
  // Every host has had these for years. Older hosts would refuse a module with more.
  const features = ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];
  const options = ["-Oz", "--low-memory-unused", "--one-caller-inline-max-function-size=0", ...features.map((feature) => `--enable-${feature}`), "--strip-debug", "--strip-producers"];
  execFileSync(join(here, "node_modules/.bin/wasm-opt"), [...options, join(build, `${name}_bg.wasm`), "-o", wasm]);
  const bytes = readFileSync(wasm);
  const place = PLACES.find((place) => place && bytes.includes(place));
  if (place) throw new Error(`${name}.wasm holds ${place}, a path of this machine`);
  const size = gzipSync(bytes, { level: 9 }).length;
  const limit = LIMITS[name];
  const target = TARGETS[name] ? `, target ${TARGETS[name]}` : "";
  console.log(`${name}.wasm: ${bytes.length} bytes; gzipped ${size}, at most ${limit}${target}`);
  if (!(size <= limit)) throw new Error(`${name}.wasm has grown`);
  writeFileSync(join(generated, `${name}.js`), factory(readFileSync(join(build, `${name}.js`), "utf8"), type));
  writeFileSync(join(generated, `${name}.d.ts`),
    `export declare function instantiate(module: WebAssembly.Module): ${type};\n`);
  if (name === "verify") continue;
  writeFileSync(join(generated, `${name}-inline.js`),
    `${DECODE}export const bytes = () => decode("${bytes.toString("base64")}");\n`);
  writeFileSync(join(generated, `${name}-inline.d.ts`), "export declare const bytes: () => Uint8Array<ArrayBuffer>;\n");
}

// Numbers that both sides of the port use.
const port = numbers(readFileSync(join(here, "src/port/numbers.rs"), "utf8"));
const object = (members, separator) => Object.entries(members).map(([name, value]) => `${name}: ${value}`).join(separator);
const objects = Object.entries(port);
writeFileSync(join(generated, "port.js"), objects.map(([name, members]) => `export const ${name} = { ${object(members, ", ")} };\n`).join(""));
writeFileSync(join(generated, "port.d.ts"),
  objects.map(([name, members]) => `export declare const ${name}: { readonly ${object(members, "; readonly ")} };\n`).join(""));

/** Reads the modules of `src/port/numbers.rs` and their constants. A line that it does not understand is an error. */
function numbers(rust) {
  const modules = {};
  let members;
  for (const [at, line] of rust.split("\n").entries()) {
    const [, module] = /^pub\(crate\) mod (\w+) \{$/.exec(line) ?? [];
    const [, name, value] = /^ {4}pub\(crate\) const (\w+): (?:u32|usize) = (\d+);$/.exec(line) ?? [];
    if (module !== undefined && members === undefined) members = modules[module] = {};
    else if (line === "}") members = undefined;
    else if (name !== undefined && members !== undefined) {
      if (Object.values(members).includes(Number(value))) throw new Error(`numbers.rs, line ${at + 1}: ${value} is taken`);
      members[name] = Number(value);
    } else if (!/^\s*(\/\/.*|#!\[allow\(dead_code, .*)?$/.test(line)) throw new Error(`numbers.rs, line ${at + 1}: cannot read ${line}`);
  }
  return modules;
}

// The codes of errors that TypeScript throws itself.
const { codes } = JSON.parse(readFileSync(join(here, "../../tests/vectors/codes.json"), "utf8"));
const thrown = ["invalid_argument", "store_unreachable"].map((wanted) => codes.find(({ name }) => name === wanted));
// No vector has this code. The C ABI returns it, too, when the library itself fails.
thrown.push({ number: 900, name: "internal", message: "The library failed.", advice: "" });
const constants = thrown.map(({ number, name, message, advice }) => (
  [name.toUpperCase(), JSON.stringify([number, name, `${message} ${advice}`.trim()])]
));
writeFileSync(join(generated, "codes.js"), constants.map(([name, value]) => `export const ${name} = ${value};\n`).join(""));
writeFileSync(join(generated, "codes.d.ts"),
  constants.map(([name]) => `export declare const ${name}: readonly [number, string, string];\n`).join(""));

execFileSync(join(here, "node_modules/.bin/tsc"), ["-p", here], { stdio: "inherit" });

const entries = ["index", "slim", "issuer", "fetch", "express", "stores"];
const common = { bundle: true, target: "es2022", platform: "neutral", external: ["*.wasm", "*.wasm?module"], legalComments: "none", minifySyntax: true, loader: { ".lua": "text" } };
const inputs = (names) => names.map((name) => join(here, "ts", `${name}.ts`));
buildSync({ ...common, entryPoints: inputs([...entries, "workerd", "edge-light", "issuer-workerd", "issuer-edge-light"]), format: "esm", splitting: true, chunkNames: "chunk-[hash]", outdir: dist });
buildSync({ ...common, entryPoints: inputs(entries), format: "cjs", outdir: dist, outExtension: { ".js": ".cjs" } });

// Declarations, once for each kind of module.
const types = join(build, "types");
for (const file of readdirSync(types, { recursive: true }).filter((file) => file.endsWith(".d.ts"))) {
  const text = readFileSync(join(types, file), "utf8");
  if (text.includes("generated/")) throw new Error(`${file} refers to a generated file`);
  mkdirSync(join(dist, dirname(file)), { recursive: true });
  writeFileSync(join(dist, file), text);
  writeFileSync(join(dist, file.replace(/\.d\.ts$/, ".d.cts")), text.replace(/((?:from |import\()"\.{1,2}\/[\w/-]+)\.js"/g, '$1.cjs"'));
}
for (const file of ["LICENSE-APACHE", "LICENSE-MIT"]) cpSync(join(here, "../..", file), join(here, file));
