// Checks of arguments, before they cross into the module: a wrong type there would end the instance, and with it all
// that it has counted.
import { wrong } from "./error.js";
import { limit } from "./generated/port.js";

/** The internal class of a value, which is the same for values of another realm. */
function tag(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** An object whose own keys are all in `keys`. A misspelt key would ask for less than was meant. */
export function object<T extends object>(value: T, keys: readonly string[], what: string): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(`${what} must be an object`);
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw wrong(`${what} has no ${key}; it has ${keys.join(", ")}`);
  }
  return value;
}

export function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw wrong(`${what} must be a string`);
  return value;
}

export function optionalText(value: unknown, what: string): string | undefined {
  return value === undefined ? undefined : text(value, what);
}

/** A list of strings. A string alone is none: it would be taken apart into its letters. */
export function texts(value: unknown, what: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) {
    throw wrong(`${what} must be an array of strings`);
  }
  return value;
}

export function number(value: unknown, what: string): number {
  if (typeof value !== "number") throw wrong(`${what} must be a number`);
  return value;
}

export function bytes(value: unknown, what: string, length?: number): Uint8Array {
  if (!ArrayBuffer.isView(value) || tag(value) !== "[object Uint8Array]") throw wrong(`${what} must be a Uint8Array`);
  if (length !== undefined && value.byteLength !== length) throw wrong(`${what} must have ${length} bytes`);
  return value as Uint8Array;
}

export function optionalFunction(value: unknown, what: string): void {
  if (value !== undefined && typeof value !== "function") throw wrong(`${what} must be a function`);
}

/** Whether a value is a compiled module, of this realm or another. */
export function isModule(value: unknown): value is WebAssembly.Module {
  return tag(value) === "[object WebAssembly.Module]";
}

/** A text that is longer than every token, and that the module refuses with the same code as the given one. */
function tooLong(token: string): string {
  if (!token.startsWith("lic1_")) return "-";
  const digits = token.length - 5;
  return `lic1_${"A".repeat(digits % 4 === 1 ? 1 : limit.TOKEN_TEXT)}`;
}

/** A token. One that no request can have is neither copied nor kept; a request without a token has an empty one. */
export function token(value: unknown): string {
  if (value === undefined || value === null) return "";
  const given = text(value, "a token");
  return given.length > limit.TOKEN_TEXT ? tooLong(given) : given;
}

/** A text of a request, without the part beyond the length that any proof can have: that does not match either. */
export function short(value: unknown, what: string): string {
  const given = text(value, what);
  // Joined, so that the long text is not kept by the short one.
  return given.length > limit.PROOF_TEXT ? [...given.slice(0, limit.PROOF_TEXT)].join("") : given;
}
