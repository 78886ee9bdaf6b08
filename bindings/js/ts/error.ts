import { INTERNAL, INVALID_ARGUMENT } from "./generated/codes.js";

/** A row of the table of codes: number, name, message. */
export type Coded = readonly [number: number, name: string, message: string];

/** Whether a value is of a class with a mark. The mark is the same in the ESM and the CJS copy of this package. */
export function instance(type: { prototype: object }, value: unknown, mark: symbol): boolean {
  return Object.hasOwn(type.prototype, mark)
    ? typeof value === "object" && value !== null && mark in value
    : Function.prototype[Symbol.hasInstance].call(type, value);
}

const LICENTIA_ERROR = Symbol.for("licentia.LicentiaError");

/** A wrong argument, or a keyset or bundle that is not good. A denial is a {@link Decision}, not an error. */
export class LicentiaError extends Error {
  /** Number of the code, the same in every language. */
  readonly code: number;
  /** Name of the code. */
  readonly codeName: string;

  constructor(code: number, codeName: string, message: string, options?: ErrorOptions) {
    super(`${codeName}: ${message}`, options);
    this.name = "LicentiaError";
    this.code = code;
    this.codeName = codeName;
  }

  get [LICENTIA_ERROR](): true {
    return true;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return instance(this, value, LICENTIA_ERROR);
  }
}

/** Makes an error of a code, with its message or another one. */
export function coded([number, name, message]: Coded, says = message, options?: ErrorOptions): LicentiaError {
  return new LicentiaError(number, name, says, options);
}

/** Makes an error for a wrong argument. */
export function wrong(says: string): LicentiaError {
  return coded(INVALID_ARGUMENT, says);
}

/** Whether an instance that threw this may be in an inconsistent state: it trapped, or its stack overflowed. */
function broken(thrown: unknown): boolean {
  // By name, for an error may be of another realm than this one.
  const error = Object.prototype.toString.call(thrown) === "[object Error]" ? thrown as Error : undefined;
  return ["RuntimeError", "RangeError", "InternalError"].includes(error?.name ?? "");
}

/** Turns what a call of the module threw into an error, and says whether the instance must be replaced. */
export function failure(thrown: unknown): { error: unknown; failed: boolean } {
  if (typeof thrown === "string") {
    // Number, name and message.
    const [number, name = "", message = ""] = thrown.split("\0");
    return { error: new LicentiaError(Number(number), name, message), failed: false };
  }
  if (broken(thrown)) {
    return { error: coded(INTERNAL, "the module failed and was replaced; try again", { cause: thrown }), failed: true };
  }
  // wasm-bindgen refused the type of an argument.
  if (thrown instanceof TypeError) return { error: wrong(thrown.message), failed: false };
  return { error: thrown, failed: false };
}
