import { INTERNAL, INVALID_ARGUMENT } from "./generated/codes.js";

/** A code as the table has it: number, name, message. */
export type Coded = readonly [number: number, name: string, message: string];

/** Whether a value is of a class that carries a mark, whichever copy of this package made it: ESM and CJS have one each. */
export function instance(type: { prototype: object }, value: unknown, mark: symbol): boolean {
  return Object.hasOwn(type.prototype, mark)
    ? typeof value === "object" && value !== null && mark in value
    : Function.prototype[Symbol.hasInstance].call(type, value);
}

const LICENTIA_ERROR = Symbol.for("licentia.LicentiaError");

/** A fault in how the library is used, or in what it was given to load. "No" is a {@link Decision}, not this. */
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

/** An error of a code, with its message or another one. */
export function coded([number, name, message]: Coded, says = message, options?: ErrorOptions): LicentiaError {
  return new LicentiaError(number, name, says, options);
}

/** An argument is wrong. */
export function wrong(says: string): LicentiaError {
  return coded(INVALID_ARGUMENT, says);
}

/** Whether an instance that threw this is in no state to go on: it trapped, or ran out of stack in mid-work. */
function broken(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError ||
    (thrown instanceof Error && thrown.name === "InternalError");
}

/** What a call of the module threw, as an error; whether the instance must be replaced. */
export function failure(thrown: unknown): { error: unknown; failed: boolean } {
  if (typeof thrown === "string") {
    // Number, name and message.
    const [number, name = "", message = ""] = thrown.split("\0");
    return { error: new LicentiaError(Number(number), name, message), failed: false };
  }
  if (broken(thrown)) {
    return { error: coded(INTERNAL, "the module failed and was replaced; try again", { cause: thrown }), failed: true };
  }
  // What is of no type that can cross.
  if (thrown instanceof TypeError) return { error: wrong(thrown.message), failed: false };
  return { error: thrown, failed: false };
}
