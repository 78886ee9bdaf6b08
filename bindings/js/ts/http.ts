import { type Request as Needs, request } from "./request.js";

/** What the requests of a route need of a licence. */
export interface Route extends Pick<Needs, "audience" | "features" | "rates" | "meters"> {
  /** The public origin, such as `https://api.acme.example`, that proofs name; that of the request by default. */
  origin?: string | undefined;
}

/** What an HTTP request shows. */
export interface Asked {
  authorization: string | null | undefined;
  proof: string | null | undefined;
  method: string;
  origin: string;
  path: string;
  query: string;
}

/** The token of `Authorization: Bearer` (RFC 6750), and what the request needs. */
export function asked(seen: Asked, route: Route): [token: string, needs: Needs] {
  const { audience, features, rates, meters } = route;
  const needs: Needs = { audience, features, rates, meters, action: `${seen.method} ${seen.path}` };
  if (seen.proof != null) {
    const uri = (route.origin ?? seen.origin) + seen.path + seen.query;
    needs.proof = { proof: decode(seen.proof), method: seen.method, uri };
  }
  const token = /^bearer +(.*)$/i.exec(seen.authorization ?? "")?.[1]?.trim();
  return [token ?? "", request(needs)];
}

/** The bytes of unpadded base64url; what is none is no proof, and is refused as malformed. */
function decode(text: string): Uint8Array {
  if (!/^[\w-]+$/.test(text)) return new Uint8Array(0);
  try {
    const digits = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(digits, (digit) => digit.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}
