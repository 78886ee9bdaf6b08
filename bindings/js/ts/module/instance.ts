// Instances of a WebAssembly module, and their replacement after a failure.
import { isModule } from "../arguments.js";
import { coded, failure } from "../error.js";
import { INTERNAL } from "../generated/codes.js";

/** The bytes of a module, or the compiled module. */
export type ModuleSource = BufferSource | WebAssembly.Module;

/** Makes a new instance of a module. */
export type Instantiate<T> = () => T;

/** The module, compiled if it is not. */
function compiled(source: ModuleSource): WebAssembly.Module {
  if (typeof WebAssembly === "undefined") throw coded(INTERNAL, "this host has no WebAssembly");
  if (isModule(source)) return source;
  try {
    return new WebAssembly.Module(source);
  } catch (cause) {
    const says = "the WebAssembly module cannot be compiled; a Content Security Policy must allow 'wasm-unsafe-eval'";
    throw coded(INTERNAL, says, { cause });
  }
}

/** Returns a function that makes instances. It compiles the module once, when it is first called. */
export function instances<T>(
  source: () => ModuleSource, instantiate: (module: WebAssembly.Module) => T,
): Instantiate<T> {
  let module: WebAssembly.Module | undefined;
  return () => {
    module ??= compiled(source());
    return instantiate(module);
  };
}

/** A value inside an instance: made on first use, and again after the instance has failed. */
export class Live<T> {
  readonly #make: () => T;
  #state: T | undefined;
  /** How many instances have failed. */
  failures = 0;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** Calls `call` with the value. A failure of the module is thrown as a `LicentiaError`. */
  use<R>(call: (state: T) => R): R {
    try {
      return call((this.#state ??= this.#make()));
    } catch (thrown) {
      const { error, failed } = failure(thrown);
      if (failed) {
        this.#state = undefined;
        this.failures++;
      }
      throw error;
    }
  }
}
