import type { Decision } from "./gate/decision.js";
import type { AnyGate, Gate, SharedGate } from "./gate/gate.js";
import { object, optionalText } from "./arguments.js";
import { type About, type Request as Needs, request } from "./gate/request.js";

/** What requests of a route need of a licence. */
export interface Route extends Pick<Needs, "audience" | "features" | "rates" | "meters"> {
  /**
   * The public origin that proofs name, such as `https://api.acme.example`. Without it every proof is refused: what a
   * request says of its own host is the client's word.
   */
  origin?: string | undefined;
}

/** The parts of an HTTP request that a gate needs. */
export interface Seen {
  header: (name: string) => string | null | undefined;
  method: string;
  path: string;
  /** With its question mark; empty if there is none. */
  query: string;
  source: string | undefined;
}

const ROUTE_KEYS = ["audience", "features", "rates", "meters", "origin"];

/** Returns a function that checks requests of a route. */
export function asker(route: Route): (gate: Gate | SharedGate, seen: Seen) => Decision | Promise<Decision> {
  const { origin, audience, features, rates, meters } = object(route, ROUTE_KEYS, "a route");
  optionalText(origin, "an origin");
  const needs = request({ audience, features, rates, meters });
  let warned = false;
  return (gate, { header, method, path, query, source }) => {
    const { token, proof } = (gate as AnyGate).presented(header);
    const about: About = { action: `${method} ${path}`, source };
    if (proof === undefined) return gate.check(token, needs, about);
    if (origin === undefined && !warned) {
      warned = true;
      console.warn("licentia: a route without `origin` refuses every proof; set it to the public origin, such as https://api.acme.example");
    }
    // An empty URI matches no proof.
    const uri = origin === undefined ? "" : origin + path + query;
    return gate.check(token, { ...needs, proof: { proof, method, uri } }, about);
  };
}
