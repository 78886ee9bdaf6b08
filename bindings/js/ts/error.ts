/** A fault in how the library is used, or in what it was given to load. "No" is a {@link Decision}, not this. */
export class LicentiaError extends Error {
  /** Number of the code, the same in every language. */
  readonly code: number;
  /** Name of the code. */
  readonly codeName: string;

  constructor(code: number, codeName: string, message: string) {
    super(`${codeName}: ${message}`);
    this.name = "LicentiaError";
    this.code = code;
    this.codeName = codeName;
  }
}

/** Runs what calls the module, and turns what it throws, which is number, name and message, into an error. */
export function calling<R>(call: () => R): R {
  try {
    return call();
  } catch (thrown) {
    if (typeof thrown !== "string") throw thrown;
    const [number, name = "", message = ""] = thrown.split("\0");
    throw new LicentiaError(Number(number), name, message);
  }
}
