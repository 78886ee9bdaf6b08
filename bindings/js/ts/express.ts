// Middleware for Express and Connect.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision } from "./decision.js";
import type { Gate, SharedGate } from "./gate.js";
import { asked, type Route } from "./http.js";

export type { Route } from "./http.js";

/** A request that was let through. */
export type LicensedRequest = IncomingMessage & { licentia?: Decision; originalUrl?: string };

/** Puts a gate before what follows; the decision is then `request.licentia`. */
export function licensed(
  gate: Gate | SharedGate, route: Route = {},
): (request: LicensedRequest, response: ServerResponse, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    let decision: Decision;
    try {
      const { headers, method = "GET" } = request;
      const [path = "/", ...query] = (request.originalUrl ?? request.url ?? "/").split("?");
      const proof = headers["licentia-proof"];
      const [token, needs] = asked({
        authorization: headers.authorization, proof: Array.isArray(proof) ? proof.join(",") : proof,
        method, origin: `http://${headers.host ?? ""}`, path,
        query: query.length === 0 ? "" : `?${query.join("?")}`,
      }, route);
      decision = await gate.check(token, needs);
      for (const [name, value] of Object.entries(decision.headers())) response.setHeader(name, value);
      if (!decision.allowed) {
        response.statusCode = decision.status;
        response.setHeader("content-type", "application/problem+json");
        response.end(decision.problem());
        return;
      }
    } catch (error) {
      next(error);
      return;
    }
    request.licentia = decision;
    next();
  };
}
