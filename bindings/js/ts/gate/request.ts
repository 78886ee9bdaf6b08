import { bytes as checkedBytes, number, object, optionalText, short, texts } from "../arguments.js";
import { wrong } from "../error.js";
import { limit, needs as place, needs_flag as flag } from "../generated/port.js";

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
  /** Whether it changes what a gate remembers: in its counters, or of proofs; and of these, what no store has. */
  counts: boolean;
  countsHere: boolean;
}

/** Options of a verification without a gate. */
export interface Expectation {
  issuer?: string | undefined;
  skew?: number | undefined;
  proofAge?: number | undefined;
}

const NONE = new Uint8Array(0);

const KEYS = ["audience", "features", "rates", "meters", "node", "release", "proof", "explain"] as const;
const PROOF_KEYS = ["proof", "method", "uri", "body"] as const;

function entries(costs: Costs | undefined, what: string): readonly (readonly [string, number])[] {
  if (costs === undefined) return [];
  if (Array.isArray(costs)) return texts(costs, what).map((name) => [name, 1] as const);
  if (typeof costs !== "object" || costs === null) throw wrong(`${what} must be an array of names, or an object of costs`);
  return Object.entries(costs).map(([name, cost]) => {
    if (!Number.isSafeInteger(cost) || cost < 0) throw wrong(`the cost of ${name} must be a whole number from 0`);
    return [name, cost] as const;
  });
}

/** Packs a request for the module, which unpacks and checks it. */
export function pack(request: Request, expectation: Expectation = {}): Packed {
  const { features = [], node, release, proof } = object(request, KEYS, "a request");
  const { skew, proofAge } = expectation;
  const audience = optionalText(request.audience, "an audience"), issuer = optionalText(expectation.issuer, "an issuer");
  const rates = entries(request.rates, "rates");
  const charges = [...rates, ...entries(request.meters, "meters")];
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
    parts.push(checkedBytes(node, "a node", 32));
  }
  let method = "", uri = "", given = "";
  if (proof !== undefined) {
    flags |= flag.PROOF;
    const { body } = object(proof, PROOF_KEYS, "a proof");
    method = short(proof.method, "a proof's method");
    uri = short(proof.uri, "a proof's URI");
    if (body !== undefined) {
      flags |= flag.BODY;
      parts.push(checkedBytes(body, "a proof's body, a SHA-256,", 32));
    }
    if (typeof proof.proof === "string") {
      flags |= flag.PROOF_TEXT;
      given = short(proof.proof, "a proof");
    } else {
      parts.push(checkedBytes(proof.proof, "a proof").subarray(0, limit.PROOF_TEXT));
    }
  }
  const words = [audience ?? "", issuer ?? "", method, uri, given, ...texts(features, "features"), ...names];
  const numbers = new Float64Array(place.COSTS + charges.length);
  numbers[place.FLAGS] = flags;
  numbers[place.RELEASE] = number(release ?? 0, "a release");
  numbers[place.SKEW] = number(skew ?? 0, "skew");
  numbers[place.PROOF_AGE] = number(proofAge ?? 0, "proofAge");
  numbers[place.FEATURES] = features.length;
  numbers[place.RATES] = rates.length;
  numbers[place.METERS] = charges.length - rates.length;
  charges.forEach(([, cost], index) => { numbers[place.COSTS + index] = cost; });
  const counting = (charges: readonly (readonly [string, number])[]): boolean => charges.some(([, cost]) => cost > 0);
  const countsHere = proof !== undefined || counting(rates);
  return {
    words: words.join("\0"), numbers, bytes: concat(parts), names, rates: rates.length, countsHere,
    counts: countsHere || counting(charges),
  };
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
  return (request as { [PACKED]?: Packed } | null)?.[PACKED] ?? pack(request);
}

/** Makes a request that never changes. Make it once per route: checking it then costs less. */
export function request(needs: Request): Readonly<Request> {
  const copy: Request = { ...object(needs, KEYS, "a request") };
  // Also checks the types, before anything is copied.
  pack(copy);
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
export const NOTHING: Readonly<Request> = /* @__PURE__ */ request({});

const ABOUT: Readonly<About> = Object.freeze({});

/** Checks what a caller says about a request. */
export function checkedAbout(about: About = ABOUT): About {
  const { action, source } = object(about, ["action", "source"], "the third argument");
  optionalText(action, "an action");
  optionalText(source, "a source");
  return about;
}
