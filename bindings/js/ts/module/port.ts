// The exports of a WebAssembly module of this package, as wasm-bindgen presents them, with one method per operation.
import { bytes as checked, text } from "../arguments.js";
import { loaded, operation, settings, settings_flag } from "../generated/port.js";

/** The exports of a module without an issuer: one function for all operations. */
export interface Port {
  call(
    operation: number, subject: string, words: string, numbers: Float64Array, bytes: Uint8Array, first: number,
    second: number,
  ): Float64Array;
  /** The texts of the last answer. */
  told(): string;
}

const NO_NUMBERS: Float64Array = new Float64Array(0), NO_BYTES: Uint8Array = new Uint8Array(0);

/** The operations that verify one token. */
export class RawVerifier {
  readonly #port: Port;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Runs an operation. Throws a refusal as text: number, name and message of its code. */
  protected ask(
    operation: number, subject: string, words: string, numbers: Float64Array, bytes: Uint8Array, first: number,
    second: number,
  ): Float64Array {
    const answer = this.#port.call(
      operation, text(subject, "an argument"), words, numbers, checked(bytes, "an argument"), first, second,
    );
    if (answer.length === 0) throw this.#port.told();
    return answer;
  }

  /** The texts of the last answer. */
  told(): string {
    return this.#port.told();
  }

  /** Runs an operation that answers with texts. */
  protected words(...ask: Parameters<RawVerifier["ask"]>): string {
    this.ask(...ask);
    return this.told();
  }

  /** Runs an operation that answers with bytes, after one number that is always there. */
  protected bytes(...ask: Parameters<RawVerifier["ask"]>): Uint8Array {
    return Uint8Array.from(this.ask(...ask).subarray(1));
  }

  /** Returns the code; the texts are its name, state, name of the warning, claims and explanation. */
  verify(
    token: string, keys: readonly string[], words: string, numbers: Float64Array, bytes: Uint8Array, now: number,
  ): number {
    return this.ask(operation.VERIFY, token, [words, ...keys].join("\0"), numbers, bytes, now, keys.length)[0] ?? 0;
  }

  inspect(token: string): string {
    return this.words(operation.INSPECT, token, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }
}

/** The settings of a gate beside its keys and its keyset. */
export interface Settings {
  advisory: boolean;
  issuer: string | undefined;
  audience: string | undefined;
  requireRevocation: boolean;
  skew: number | undefined;
  proofAge: number | undefined;
  replayCapacity: number | undefined;
  cacheCapacity: number | undefined;
  keyTableBytes: number | undefined;
}

/** All operations. An instance has one gate. */
export class Raw extends RawVerifier {
  codes(): string {
    return this.words(operation.CODES, "", "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  decodeLicense(text: string): Uint8Array {
    return this.bytes(operation.DECODE_LICENSE, text, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  encodeLicense(bytes: Uint8Array): string {
    return this.words(operation.ENCODE_LICENSE, "", "", NO_NUMBERS, bytes, 0, 0);
  }

  readKey(key: string): Uint8Array {
    return this.bytes(operation.READ_KEY, key, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  /** The names of the members are between commas. */
  window(names: string, numbers: number[], time: number): Float64Array {
    return this.ask(operation.PERIOD_WINDOW, names, "", Float64Array.from(numbers), NO_BYTES, time, 0);
  }

  /** The seed has 32 bytes, and so has the digest of the body, if there is one. */
  prove(
    seed: Uint8Array, token: string, method: string, uri: string, body: Uint8Array | undefined, nonce: string, now: number,
  ): Uint8Array {
    const all = body === undefined ? seed : Uint8Array.of(...seed, ...body);
    return this.bytes(operation.PROVE, token, `${method}\0${uri}\0${nonce}`, NO_NUMBERS, all, now, seed.length);
  }

  holderKey(seed: Uint8Array): Uint8Array {
    return this.bytes(operation.HOLDER_KEY, "", "", NO_NUMBERS, seed, 0, 0);
  }

  httpStatus(code: number, allowed: boolean): number {
    return this.ask(operation.HTTP_STATUS, allowed ? "allowed" : "", "", NO_NUMBERS, NO_BYTES, code, 0)[0] ?? 0;
  }

  /** Header fields, names and values in turn, then media type and body of a refusal, separated by U+0000. */
  httpFields(code: number, allowed: boolean, retry: number, names: string, charges: Float64Array): string {
    return this.words(operation.HTTP_FIELDS, allowed ? "allowed" : "", names, charges, NO_BYTES, code, retry);
  }

  bearer(value: string): string {
    return this.words(operation.BEARER, value, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  /** The name of the header field for proofs, and the value for a proof. */
  proofField(proof: Uint8Array): string {
    return this.words(operation.PROOF_FIELD, "", "", NO_NUMBERS, proof, 0, 0);
  }

  /** The name of the mark that a bundle's issuer has; empty if it is no bundle. */
  bundleMark(bundle: Uint8Array): string {
    return this.words(operation.BUNDLE_MARK, "", "", NO_NUMBERS, bundle, 0, 0);
  }

  /** Makes the gate's store. */
  open(leases: boolean): void {
    this.ask(operation.OPEN, "", "", NO_NUMBERS, NO_BYTES, leases ? 1 : 0, 0);
  }

  /** Makes the gate. */
  build(
    given: Settings, keys: readonly string[], keyset: { root: string; bytes: Uint8Array } | undefined,
  ): void {
    const { issuer, audience } = given;
    const numbers = new Float64Array(settings.LENGTH);
    let flags = 0;
    if (given.advisory) flags |= settings_flag.ADVISORY;
    if (issuer !== undefined) flags |= settings_flag.ISSUER;
    if (audience !== undefined) flags |= settings_flag.AUDIENCE;
    if (keyset !== undefined) flags |= settings_flag.KEYSET;
    if (given.requireRevocation) flags |= settings_flag.REQUIRE_REVOCATION;
    const optional = [
      ["SKEW", given.skew], ["PROOF_AGE", given.proofAge], ["REPLAY_CAPACITY", given.replayCapacity],
      ["CACHE_CAPACITY", given.cacheCapacity], ["KEY_TABLE_BYTES", given.keyTableBytes],
    ] as const;
    for (const [name, number] of optional) {
      if (number === undefined) continue;
      flags |= settings_flag[name];
      numbers[settings[name]] = number;
    }
    numbers[settings.FLAGS] = flags;
    numbers[settings.KEYS] = keys.length;
    const words = [issuer ?? "", audience ?? "", keyset?.root ?? "", ...keys].join("\0");
    this.ask(operation.BUILD, "", words, numbers, keyset === undefined ? NO_BYTES : keyset.bytes, 0, 0);
  }

  loadKeyset(keyset: Uint8Array): boolean {
    return this.ask(operation.LOAD_KEYSET, "", "", NO_NUMBERS, keyset, 0, 0)[0] === 1;
  }

  /** Returns a number of `loaded`. */
  loadRevocation(bundle: Uint8Array): number {
    return this.ask(operation.LOAD_REVOCATION, "", "", NO_NUMBERS, bundle, 0, 0)[0] ?? loaded.UNCHANGED;
  }

  check(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): Float64Array {
    return this.ask(operation.CHECK, token, words, numbers, bytes, seconds, monotonic);
  }

  wishes(
    token: string, words: string, numbers: Float64Array, bytes: Uint8Array, seconds: number, monotonic: number,
  ): string {
    return this.words(operation.WISHES, token, words, numbers, bytes, seconds, monotonic);
  }

  granted(key: string, units: number, total: number): boolean {
    return this.ask(operation.GRANTED, key, "", NO_NUMBERS, NO_BYTES, units, total)[0] === 1;
  }

  lost(key: string): void {
    this.ask(operation.LOST, key, "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  drain(): string {
    return this.words(operation.DRAIN, "", "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  idle(seconds: number, monotonic: number): string {
    return this.words(operation.IDLE, "", "", NO_NUMBERS, NO_BYTES, seconds, monotonic);
  }

  changedMarks(): string {
    return this.words(operation.CHANGED_MARKS, "", "", NO_NUMBERS, NO_BYTES, 0, 0);
  }

  mark(name: string): Uint8Array | undefined {
    const mark = this.bytes(operation.MARK, name, "", NO_NUMBERS, NO_BYTES, 0, 0);
    return mark.length > 0 ? mark : undefined;
  }

  setMark(name: string, value: Uint8Array): void {
    this.ask(operation.SET_MARK, name, "", NO_NUMBERS, value, 0, 0);
  }
}
