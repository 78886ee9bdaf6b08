import { wrong } from "../error.js";

function forgotten(): never {
  throw wrong("this is a promise: await it first");
}

/** A promise whose use in place of its value throws. Without it, a forgotten `await` could let a request pass. */
export class Pending<T> extends Promise<T> {
  static of<T>(promise: Promise<T>): Promise<T> {
    return new Pending((resolve, reject) => promise.then(resolve, reject));
  }

  /** What follows is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }
}

// The members of a decision, and of what `guard` returns.
for (const name of ["allowed", "code", "name", "state", "warning", "license", "charges", "retryAfterMs", "explanation", "status", "headers", "refusal", "raiseForDenied", "decision", "denied"]) {
  Object.defineProperty(Pending.prototype, name, { get: forgotten });
}
