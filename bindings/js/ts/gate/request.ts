import { wrong } from "../error.js";
import { needs as place, needs_flag as flag } from "../generated/port.js";

/** A proof of possession, and the request that it came with. */
export interface Proof {
  /** The proof's bytes, or their unpadded base64url as it came in the header field. */
  proof: Uint8Array | string;
  /** The request's method. */
  method: string;
  /** The request's URI, in the form that service and holder agree on. */
  uri: string;
  /** SHA-256 of its body, if the body must be signed too. */
  body?: Uint8Array | undefined;
}

/** What a request needs of a licence. */
export interface Request {
  /** The service, in place of the gate's own audience. */
  audience?: string | undefined;
  /** Features, all of which are required. */
  features?: readonly string[] | undefined;
  /** Rates to count against, each with its cost; a list of names costs 1 each. */
  rates?: Costs | undefined;
  /** Meters to charge, each with its cost: all of them or none. A cost of 0 reads without charging. */
  meters?: Costs | undefined;
  /** SHA-256 of the machine's fingerprint. */
  node?: Uint8Array | undefined;
  /** Date of the running release, in seconds since 1970. */
  release?: number | undefined;
  /** A proof of possession. */
  proof?: Proof | undefined;
  /** Explains the decision even if it is a plain yes. */
  explain?: boolean | undefined;
}

/** The part of an event that the caller knows. It does not affect the decision. */
export interface About {
  /** The operation or route: `GET /exports`. */
  action?: string | undefined;
  /** The caller: an address, an instance. */
  source?: string | undefined;
}

/** Names with their costs, or names that cost 1 each. */
export type Costs = Readonly<Record<string, number>> | readonly string[];

/** A request as it crosses into the module. */
export interface Packed {
  words: string;
  numbers: Float64Array;
  bytes: Uint8Array;
  /** Names of the rates, then of the meters. */
  names: readonly string[];
  rates: number;
}

/** Options of a verification without a gate. */
export interface Expectation {
  issuer?: string | undefined;
  skew?: number | undefined;
  proofAge?: number | undefined;
}

const NONE = new Uint8Array(0);

function entries(costs: Costs | undefined): readonly (readonly [string, number])[] {
  if (costs === undefined) return [];
  return Array.isArray(costs) ? costs.map((name: string) => [name, 1] as const) : Object.entries(costs);
}

/** Packs a request for the module, which unpacks and checks it. */
export function pack(request: Request, expectation: Expectation = {}): Packed {
  const { audience, features = [], node, release, proof } = request;
  const { issuer, skew, proofAge } = expectation;
  const rates = entries(request.rates);
  const charges = [...rates, ...entries(request.meters)];
  const names = charges.map(([name]) => name);
  let flags = request.explain === true ? flag.EXPLAIN : 0;
  if (audience !== undefined) flags |= flag.AUDIENCE;
  if (issuer !== undefined) flags |= flag.ISSUER;
  if (release !== undefined) flags |= flag.RELEASE;
  if (skew !== undefined) flags |= flag.SKEW;
  if (proofAge !== undefined) flags |= flag.PROOF_AGE;
  const parts: Uint8Array[] = [];
  if (node !== undefined) {
    flags |= flag.NODE;
    parts.push(digest(node));
  }
  if (proof !== undefined) {
    flags |= flag.PROOF;
    if (proof.body !== undefined) {
      flags |= flag.BODY;
      parts.push(digest(proof.body));
    }
    if (typeof proof.proof === "string") flags |= flag.PROOF_TEXT;
    else parts.push(proof.proof);
  }
  const text = typeof proof?.proof === "string" ? proof.proof : "";
  const words = [
    audience ?? "", issuer ?? "", proof?.method ?? "", proof?.uri ?? "", text, ...features, ...names,
  ];
  const numbers = new Float64Array(place.COSTS + charges.length);
  numbers[place.FLAGS] = flags;
  numbers[place.RELEASE] = release ?? 0;
  numbers[place.SKEW] = skew ?? 0;
  numbers[place.PROOF_AGE] = proofAge ?? 0;
  numbers[place.FEATURES] = features.length;
  numbers[place.RATES] = rates.length;
  numbers[place.METERS] = charges.length - rates.length;
  charges.forEach(([, cost], index) => { numbers[place.COSTS + index] = cost; });
  return { words: words.join("\0"), numbers, bytes: concat(parts), names, rates: rates.length };
}

function digest(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw wrong("a SHA-256 has 32 bytes");
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 0) return NONE;
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The packed form of a request that {@link request} made. The symbol is the same in the ESM and the CJS copy. */
const PACKED = Symbol.for("licentia.packed");

/** Packs a request, unless {@link request} has packed it. */
export function packOnce(request: Request & { [PACKED]?: Packed }): Packed {
  return request[PACKED] ?? pack(request);
}

/** Makes a request that never changes. Make it once per route: checking it then costs less. */
export function request(needs: Request): Readonly<Request> {
  const copy: Request = { ...needs };
  if (needs.features !== undefined) copy.features = Object.freeze([...needs.features]);
  for (const part of ["rates", "meters"] as const) {
    const costs = needs[part];
    if (costs !== undefined) copy[part] = Object.freeze(Array.isArray(costs) ? [...costs] : { ...costs });
  }
  if (needs.node !== undefined) copy.node = needs.node.slice();
  if (needs.proof !== undefined) copy.proof = Object.freeze({ ...needs.proof });
  // Packed now, so that later changes of the caller's arrays have no effect.
  Object.defineProperty(copy, PACKED, { value: pack(copy) });
  return Object.freeze(copy);
}

/** A request that needs only a good licence. */
export const NOTHING: Readonly<Request & About> = /* @__PURE__ */ request({});
