// What a WebAssembly module of this package exports, as `wasm-bindgen` presents it.

/** A gate inside the module. */
export interface RawGate {
  key(key: string): void;
  keyset(root: string, keyset: Uint8Array): void;
  revocation(bundle: Uint8Array): void;
  text(name: string, value: string): void;
  number(name: string, value: number): void;
  build(): void;
  loadKeyset(keyset: Uint8Array): boolean;
  loadRevocation(bundle: Uint8Array): boolean;
  check(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): Float64Array;
  told(): string;
  wishes(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): string;
  granted(id: number, units: number, total: number): void;
  lost(id: number): void;
  drain(): string;
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
  decodeLicense(text: string): Uint8Array;
  encodeLicense(bytes: Uint8Array): string;
  readKey(key: string): Uint8Array;
  window(kind: string, seconds: number, anchor: number, time: number): Float64Array;
  prove(
    seed: Uint8Array, token: string, method: string, uri: string, body: Uint8Array, now: number,
  ): Uint8Array;
  holderKey(seed: Uint8Array): Uint8Array;
  httpStatus(code: number, allowed: boolean): number;
  httpFields(code: number, allowed: boolean, retry: number, names: string, charges: Float64Array): string;
}

/** The issuer inside its module. */
export interface RawIssuer {
  publicKey(): string;
  issue(
    catalogue: string, tier: string, version: number, subject: string, start: number, audiences: string,
    holder: Uint8Array,
  ): string;
}

/** The module of the vendor's side. */
export interface RawVendor {
  RawIssuer: {
    new (name: string, seed: Uint8Array): RawIssuer;
    fromPem(name: string, pem: string, passphrase: string): RawIssuer;
  };
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

/** An instance that is made when it is first needed, and again after it has trapped. */
export function lasting<T extends object>(instantiate: Instantiate<T>): <R>(use: (raw: T) => R) => R {
  let raw: T | undefined;
  return (use) => {
    raw ??= instantiate();
    try {
      return use(raw);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) raw = undefined;
      throw error;
    }
  };
}
