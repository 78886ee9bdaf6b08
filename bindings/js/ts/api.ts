import { bytes as checkedBytes, number, object, short, text, texts, token as checkedToken } from "./arguments.js";
import { type Code, table, type Verdict, verdict } from "./gate/decision.js";
import { type Gate, localGate, type SharedGate } from "./gate/gate.js";
import { GATE_KEYS, type GateOptions, type SharedGateOptions } from "./gate/options.js";
import type { License, Period } from "./license.js";
import { instances, Live, type ModuleSource } from "./module/instance.js";
import { type Port, Raw, type RawVerifier } from "./module/port.js";
import { pack, type Request } from "./gate/request.js";
import { sharedGate } from "./gate/shared.js";

/** Options of one verification, beside the needs of the request. */
export interface VerifyOptions extends Omit<Request, "rates" | "meters" | "explain"> {
  issuer?: string | undefined;
  /** Seconds by which the issuer's clock may be ahead; 60. */
  skew?: number | undefined;
  /** Seconds that a proof may be old; 60. */
  proofAge?: number | undefined;
  /** The time in seconds since 1970; by default the system's. */
  now?: number | undefined;
}

/** Verifies tokens. It counts and remembers nothing. */
export interface Verifier {
  /** Verifies a token with one or more public keys in their text form. */
  verify(token: string, keys: string | readonly string[], options?: VerifyOptions): Verdict;
  /** Reads the claims of a token without checking its signature. Do not trust them. */
  inspect(token: string): License;
}

/** A proof to make. */
export interface ProofRequest {
  /** The customer's private key: a 32-byte Ed25519 seed (RFC 8032, section 5.1.5). */
  seed: Uint8Array;
  /** The licence that is bound to the key. */
  token: string;
  method: string;
  uri: string;
  /** SHA-256 of the request's body, if the service wants the body signed. */
  body?: Uint8Array | undefined;
  /** The value of the response's `Licentia-Proof-Nonce`, if the service sent one: it then goes by its own clock. */
  nonce?: string | undefined;
  /** The time in seconds since 1970; by default the system's. */
  now?: number | undefined;
}

/** All functions but those of the issuer. */
export interface Licentia extends Verifier {
  /** Makes a gate. With a `store` its checks are asynchronous. */
  createGate(options: SharedGateOptions): SharedGate;
  createGate(options: GateOptions): Gate;
  /** Makes a proof of possession for one request. */
  prove(request: ProofRequest): Uint8Array;
  /** The header field that carries a proof, as an object to spread into the request's headers. */
  proofHeader(proof: Uint8Array): Record<string, string>;
  /** The public key of a seed, and its thumbprint (RFC 9679). */
  holderKey(seed: Uint8Array): { publicKey: Uint8Array; thumbprint: Uint8Array };
  /** The table of codes. */
  codes(): readonly Code[];
  /** The bytes of a licence in its text form. */
  decodeLicense(text: string): Uint8Array;
  /** The text form of a licence's bytes. */
  encodeLicense(bytes: Uint8Array): string;
  /** Reads a public key in its text form. */
  readKey(key: string): { kid: Uint8Array; publicKey: Uint8Array };
  /** The window of a period that contains a time, in seconds since 1970. The end is `undefined` if it never ends. */
  periodWindow(period: Period, time: number): { start: number; end: number | undefined };
}

const VERIFY_KEYS = ["issuer", "skew", "proofAge", "now", "audience", "features", "node", "release", "proof"];
const PROVE_KEYS = ["seed", "token", "method", "uri", "body", "nonce", "now"];

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Makes a verifier from a module. */
export function verifier<T extends RawVerifier>(use: <R>(use: (raw: T) => R) => R): Verifier {
  return {
    verify(token, keys, options = {}) {
      const { issuer, skew, proofAge, now = seconds(), ...request } = object(options, VERIFY_KEYS, "a verification");
      const { words, numbers, bytes } = pack(request, { issuer, skew, proofAge });
      const list = typeof keys === "string" ? [keys] : texts(keys, "keys"), given = checkedToken(token);
      return use((raw) => verdict(raw.verify(given, list, words, numbers, bytes, number(now, "now")), raw.told()));
    },
    inspect(token) {
      const given = checkedToken(token);
      return JSON.parse(use((raw) => raw.inspect(given))) as License;
    },
  };
}

/** Makes all functions from a module. */
export function create(
  source: () => ModuleSource, instantiate: (module: WebAssembly.Module) => Port,
): Licentia {
  const make = instances(source, (module) => new Raw(instantiate(module)));
  const live = new Live(make);
  const use = <R>(call: (raw: Raw) => R): R => live.use(call);
  function createGate(options: SharedGateOptions): SharedGate;
  function createGate(options: GateOptions): Gate;
  function createGate(options: GateOptions & Partial<SharedGateOptions>): Gate | SharedGate {
    return object(options, GATE_KEYS, "a gate").store === undefined
      ? localGate(make, options) : sharedGate(make, options as SharedGateOptions);
  }
  return {
    ...verifier(use),
    createGate,
    prove(request) {
      const { body, nonce, now = seconds() } = object(request, PROVE_KEYS, "a proof's request");
      const seed = checkedBytes(request.seed, "a seed", 32), token = checkedToken(request.token);
      const method = short(request.method, "a method"), uri = short(request.uri, "a URI");
      if (body !== undefined) checkedBytes(body, "a body, which is a SHA-256,", 32);
      const given = nonce === undefined ? "" : short(nonce, "a nonce");
      return use((raw) => raw.prove(seed, token, method, uri, body, given, number(now, "now")));
    },
    proofHeader(proof) {
      checkedBytes(proof, "a proof");
      const [name = "", value = ""] = use((raw) => raw.proofField(proof)).split("\0");
      return { [name]: value };
    },
    holderKey(seed) {
      checkedBytes(seed, "a seed", 32);
      const key = use((raw) => raw.holderKey(seed));
      return { publicKey: key.slice(0, 32), thumbprint: key.slice(32) };
    },
    codes: () => [...table(use).values()],
    decodeLicense(given) {
      const token = checkedToken(text(given, "a licence"));
      return use((raw) => raw.decodeLicense(token));
    },
    encodeLicense(bytes) {
      checkedBytes(bytes, "a licence");
      return use((raw) => raw.encodeLicense(bytes));
    },
    readKey(given) {
      const key = short(given, "a key");
      const bytes = use((raw) => raw.readKey(key));
      const end = 1 + (bytes[0] ?? 0);
      return { kid: bytes.slice(1, end), publicKey: bytes.slice(end) };
    },
    periodWindow(period, time) {
      const members: Record<string, number> = typeof period === "string" ? {} : { ...period };
      const numbers = Object.values(members).map((member) => number(member, "a member of a period"));
      const names = typeof period === "string" ? period : Object.keys(members).join();
      number(time, "a time");
      const [start = 0, end = Infinity] = use((raw) => raw.window(names, numbers, time));
      return { start, end: end === Infinity ? undefined : end };
    },
  };
}
