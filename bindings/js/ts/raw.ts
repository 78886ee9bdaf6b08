// What a WebAssembly module of this package exports, as `wasm-bindgen` presents it, and how it is kept.
import { failure } from "./error.js";

/** What a module exports that has no issuer: one function for all that it is asked for, by number. */
export interface Port {
  call(
    what: number, subject: string, words: string, numbers: Float64Array, bytes: Uint8Array, first: number,
    second: number,
  ): Float64Array;
  /** The words of the last answer. */
  told(): string;
}

/** What is asked for: the numbers of `src/what.rs`. */
const VERIFY = 0, INSPECT = 1;
const CODES = 2, DECODE_LICENSE = 3, ENCODE_LICENSE = 4, READ_KEY = 5, WINDOW = 6, PROVE = 7, HOLDER_KEY = 8;
const HTTP_STATUS = 9, HTTP_FIELDS = 10, BEARER = 11, PROOF_FIELD = 12, BUNDLE_MARK = 13;
const CHECK = 20, WISHES = 21, OPEN = 22, BUILD = 23, LOAD_KEYSET = 24, LOAD_REVOCATION = 25, GRANTED = 26;
const LOST = 27, DRAIN = 28, IDLE = 29, CHANGED = 30, MARK = 31, SET_MARK = 32;

const NO_NUMBERS: Float64Array = new Float64Array(0), NO_BYTES: Uint8Array = new Uint8Array(0);

/** What verifying alone needs. */
export class RawVerifier {
  readonly #port: Port;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Asks, and throws a refusal: number, name and message of its code. */
  protected ask(
    what: number, subject: string, words: string, numbers: Float64Array, bytes: Uint8Array, first: number,
    second: number,
  ): Float64Array {
    const answer = this.#port.call(what, subject, words, numbers, bytes, first, second);
    if (answer.length === 0) throw this.#port.told();
    return answer;
  }

  /** The words of the last answer. */
  told(): string {
    return this.#port.told();
  }

  /** Asks for words. */
  protected words(...ask: Parameters<RawVerifier["ask"]>): string {
    this.ask(...ask);
    return this.told();
  }

  /** Asks for bytes: they follow a number that says nothing. */
  protected bytes(...ask: Parameters<RawVerifier["ask"]>): Uint8Array {
    return Uint8Array.from(this.ask(...ask).subarray(1));
  }

  /** The code; told are its name, state, name of the warning, claims and explanation. */
  verify(
    token: string, keys: readonly string[], words: string, numbers: Float64Array, bytes: Uint8Array, now: number,
  ): number {
    return this.ask(VERIFY, token, [words, ...keys].join("\0"), numbers, bytes, now, keys.length)[0] ?? 0;
  }

  inspect(token: string): string {
    return this.words(INSPECT, token, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }
}

/** How a gate is made, beside its keys and its keyset. */
export interface Settings {
  advisory: boolean;
  issuer: string | undefined;
  audience: string | undefined;
  requireRevocation: boolean;
  skew: number | undefined;
  proofAge: number | undefined;
  replayCapacity: number | undefined;
  cacheCapacity: number | undefined;
  prepare: number | undefined;
}

/** All but the issuer. There is one gate in an instance. */
export class Raw extends RawVerifier {
  codes(): string {
    return this.words(CODES, "", "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  decodeLicense(text: string): Uint8Array {
    return this.bytes(DECODE_LICENSE, text, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  encodeLicense(bytes: Uint8Array): string {
    return this.words(ENCODE_LICENSE, "", "", NO_NUMBERS, bytes, 0, 0);
  }

  readKey(key: string): Uint8Array {
    return this.bytes(READ_KEY, key, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  window(kind: string, seconds: number, anchor: number, time: number): Float64Array {
    return this.ask(WINDOW, kind, "", Float64Array.of(seconds, anchor), NO_BYTES, time, 0);
  }

  prove(seed: Uint8Array, token: string, method: string, uri: string, body: Uint8Array, now: number): Uint8Array {
    return this.bytes(PROVE, token, `${method}\0${uri}`, NO_NUMBERS, Uint8Array.of(...seed, ...body), now, seed.length);
  }

  holderKey(seed: Uint8Array): Uint8Array {
    return this.bytes(HOLDER_KEY, "", "", NO_NUMBERS, seed, 0, 0);
  }

  httpStatus(code: number, allowed: boolean): number {
    return this.ask(HTTP_STATUS, allowed ? "allowed" : "", "", NO_NUMBERS, NO_BYTES, code, 0)[0] ?? 0;
  }

  /** Header fields, names and values in turn, then media type and body of a refusal, joined by U+0000. */
  httpFields(code: number, allowed: boolean, retry: number, names: string, charges: Float64Array): string {
    return this.words(HTTP_FIELDS, allowed ? "allowed" : "", names, charges, NO_BYTES, code, retry);
  }

  bearer(value: string): string {
    return this.words(BEARER, value, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  /** The name of the header field with a proof, and a proof as it travels in it. */
  proofField(proof: Uint8Array): string {
    return this.words(PROOF_FIELD, "", "", NO_NUMBERS, proof, 0, 0);
  }

  /** The name of the mark of a bundle's issuer; empty where it is none. */
  bundleMark(bundle: Uint8Array): string {
    return this.words(BUNDLE_MARK, "", "", NO_NUMBERS, bundle, 0, 0);
  }

  /** Makes the gate's store. */
  open(leases: boolean): void {
    this.ask(OPEN, "", "", NO_NUMBERS, NO_BYTES, leases ? 1 : 0, 0);
  }

  /** Makes the gate. */
  build(
    settings: Settings, keys: readonly string[], keyset: { root: string; bytes: Uint8Array } | undefined,
  ): void {
    const { advisory, issuer, audience, requireRevocation } = settings;
    const { skew, proofAge, replayCapacity, cacheCapacity, prepare } = settings;
    const numbers = [skew, proofAge, replayCapacity, cacheCapacity, prepare];
    for (const text of [issuer, audience, keyset?.root]) {
      if (text !== undefined && typeof text !== "string") throw new TypeError("an issuer, audience or key is no text");
    }
    const has = [
      advisory, issuer !== undefined, audience !== undefined, keyset !== undefined, requireRevocation,
      ...numbers.map((number) => number !== undefined),
    ];
    const flags = has.reduce((flags, has, bit) => flags | (has ? 1 << bit : 0), 0);
    const words = [issuer ?? "", audience ?? "", keyset?.root ?? "", ...keys].join("\0");
    const given = Float64Array.of(flags, keys.length, ...numbers.map((number) => number ?? 0));
    this.ask(BUILD, "", words, given, keyset === undefined ? NO_BYTES : keyset.bytes, 0, 0);
  }

  loadKeyset(keyset: Uint8Array): boolean {
    return this.ask(LOAD_KEYSET, "", "", NO_NUMBERS, keyset, 0, 0)[0] === 1;
  }

  /** 0 for the bundle in use, 1 for one that is whole, 2 for a delta. */
  loadRevocation(bundle: Uint8Array): number {
    return this.ask(LOAD_REVOCATION, "", "", NO_NUMBERS, bundle, 0, 0)[0] ?? 0;
  }

  check(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): Float64Array {
    return this.ask(CHECK, token, words, numbers, bytes, seconds, monotonic);
  }

  wishes(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): string {
    return this.words(WISHES, token, words, numbers, bytes, seconds, monotonic);
  }

  granted(key: string, units: number, total: number): boolean {
    return this.ask(GRANTED, key, "", NO_NUMBERS, NO_BYTES, units, total)[0] === 1;
  }

  lost(key: string): void {
    this.ask(LOST, key, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  drain(): string {
    return this.words(DRAIN, "", "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  idle(seconds: number, monotonic: number): string {
    return this.words(IDLE, "", "", NO_NUMBERS, NO_BYTES, seconds, monotonic);
  }

  changed(): string {
    return this.words(CHANGED, "", "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  mark(name: string): Uint8Array | undefined {
    const mark = this.bytes(MARK, name, "", NO_NUMBERS, NO_BYTES, 0, 0);
    return mark.length > 0 ? mark : undefined;
  }

  setMark(name: string, value: Uint8Array): void {
    this.ask(SET_MARK, name, "", NO_NUMBERS, value, 0, 0);
  }
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
