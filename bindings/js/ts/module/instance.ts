// Instances of a WebAssembly module, and their replacement after a failure.
import { failure } from "../error.js";

/** The bytes of a module, or the compiled module. */
export type ModuleSource = BufferSource | WebAssembly.Module;

/** Makes a new instance of a module. */
export type Instantiate<T> = () => T;

/** Returns a function that makes instances. It compiles the module once, when it is first called. */
export function instances<T>(
  source: () => ModuleSource, instantiate: (module: WebAssembly.Module) => T,
): Instantiate<T> {
  let module: WebAssembly.Module | undefined;
  return () => {
    if (module === undefined) {
      const found = source();
      module = found instanceof WebAssembly.Module ? found : new WebAssembly.Module(found);
    }
    return instantiate(module);
  };
}

/** A value inside an instance: made on first use, and again after the instance has failed. */
export class Live<T> {
  readonly #make: () => T;
  #state: T | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** Calls `call` with the value. A failure of the module is thrown as a `LicentiaError`. */
  use<R>(call: (state: T) => R): R {
    try {
      return call((this.#state ??= this.#make()));
    } catch (thrown) {
      const { error, failed } = failure(thrown);
      if (failed) this.#state = undefined;
      throw error;
    }
  }
}
