import type { Decision } from "./gate/decision.js";
import type { AnyGate, Gate, SharedGate } from "./gate/gate.js";
import { type About, type Request as Needs, request } from "./gate/request.js";

/** What the requests of a route need of a licence. */
export interface Route extends Pick<Needs, "audience" | "features" | "rates" | "meters"> {
  /** The public origin, such as `https://api.acme.example`, that proofs name; that of the request by default. */
  origin?: string | undefined;
}

/** What an HTTP request shows. */
export interface Seen {
  header: (name: string) => string | null | undefined;
  method: string;
  origin: () => string;
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  source: string | undefined;
}

/** Asks a gate what it says to a request of a route. */
export function asker(route: Route): (gate: Gate | SharedGate, seen: Seen) => Decision | Promise<Decision> {
  const { origin, audience, features, rates, meters } = route;
  const needs = request({ audience, features, rates, meters });
  return (gate, { header, method, path, query, source, ...seen }) => {
    const { token, proof } = (gate as AnyGate).presented(header);
    const about: About = { action: `${method} ${path}`, source };
    if (proof === undefined) return gate.check(token, needs, about);
    const uri = (origin ?? seen.origin()) + path + query;
    return gate.check(token, { ...needs, proof: { proof, method, uri } }, about);
  };
}
