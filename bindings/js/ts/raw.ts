// What a WebAssembly module of this package exports, as `wasm-bindgen` presents it, and how it is kept.
import { failure } from "./error.js";

/** A gate inside the module. */
export interface RawGate {
  key(key: string): void;
  keyset(root: string, keyset: Uint8Array): void;
  text(name: string, value: string): void;
  number(name: string, value: number): void;
  build(): void;
  loadKeyset(keyset: Uint8Array): boolean;
  loadRevocation(bundle: Uint8Array): number;
  check(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): Float64Array;
  told(): string;
  wishes(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): string;
  granted(key: string, units: number, total: number): boolean;
  lost(key: string): void;
  drain(): string;
  idle(seconds: number, monotonic: number): string;
  changed(): string;
  mark(name: string): Uint8Array | undefined;
  setMark(name: string, value: Uint8Array): void;
}

/** What verifying alone needs. */
export interface RawVerifier {
  verify(
    token: string, keys: string, words: string, numbers: Float64Array, bytes: Uint8Array, now: number,
  ): string;
  inspect(token: string): string;
}

/** All but the issuer. */
export interface Raw extends RawVerifier {
  RawGate: new (leases: boolean, advisory: boolean) => RawGate;
  codes(): string;
  bundleMark(bundle: Uint8Array): string | undefined;
  decodeLicense(text: string): Uint8Array;
  encodeLicense(bytes: Uint8Array): string;
  readKey(key: string): Uint8Array;
  window(kind: string, seconds: number, anchor: number, time: number): Float64Array;
  prove(
    seed: Uint8Array, token: string, method: string, uri: string, body: Uint8Array, now: number,
  ): Uint8Array;
  holderKey(seed: Uint8Array): Uint8Array;
  httpStatus(code: number, allowed: boolean): number;
  bearer(value: string): string;
  proofField(proof: Uint8Array): string;
  httpFields(code: number, allowed: boolean, retry: number, names: string, charges: Float64Array): string;
}

/** The issuer inside its module. */
export interface RawIssuer {
  publicKey(): string;
  issue(
    catalogue: string, tier: string, version: number | undefined, subject: string, start: number,
    audiences: readonly string[], holder: Uint8Array | undefined, lineage: Uint8Array | undefined,
    index: number | undefined,
  ): string;
}

/** The module of the vendor's side. */
export interface RawVendor {
  RawIssuer: {
    new (name: string, seed: Uint8Array): RawIssuer;
    fromPem(name: string, pem: string, passphrase: string | undefined): RawIssuer;
  };
  generateKey(passphrase: string | undefined): string;
}

/** The bytes of a module, or the module. */
export type ModuleSource = BufferSource | WebAssembly.Module;

/** Makes a new instance of a module. */
export type Instantiate<T> = () => T;

/** Compiles where needed, once, and then gives instances. */
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

/** What lives in an instance: made when it is first needed, and anew after the instance has failed. */
export class Live<T> {
  readonly #make: () => T;
  #state: T | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** Calls it. Everything that goes wrong in the module comes out as a `LicentiaError`. */
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
