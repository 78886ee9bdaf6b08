// Middleware for Express and Connect.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision } from "./gate/decision.js";
import type { Gate, SharedGate } from "./gate/gate.js";
import { asker, type Route } from "./http.js";

export type { Route } from "./http.js";

declare global {
  // Express' own types take members of requests from here.
  namespace Express {
    interface Request {
      /** The decision of the gate, after `licensed`. */
      licentia?: Decision;
    }
  }
}

/** A request that was allowed. */
export type LicensedRequest = IncomingMessage & {
  licentia?: Decision;
  originalUrl?: string;
};

/** Middleware with a gate, or a function that returns one. The decision is then `request.licentia`. */
export function licensed(
  gate: Gate | SharedGate | ((request: LicensedRequest) => Gate | SharedGate), route: Route = {},
): (request: LicensedRequest, response: ServerResponse, next: (error?: unknown) => void) => Promise<void> {
  const ask = asker(route);
  return async (request, response, next) => {
    try {
      const { headers, method = "GET" } = request;
      const url = request.originalUrl ?? request.url ?? "/";
      const mark = url.indexOf("?");
      const header = (name: string): string | undefined => {
        // Node keeps the first of two `Authorization` fields in `headers`; a field that stands twice is one list.
        const value = request.headersDistinct?.[name] ?? headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      };
      const decision = await ask(typeof gate === "function" ? gate(request) : gate, {
        header, method, path: mark < 0 ? url : url.slice(0, mark), query: mark < 0 ? "" : url.slice(mark),
        source: request.socket.remoteAddress,
      });
      if (!decision.allowed) {
        const { status, headers, body } = decision.refusal();
        response.writeHead(status, headers).end(body);
        return;
      }
      for (const [name, value] of Object.entries(decision.headers())) response.setHeader(name, value);
      request.licentia = decision;
    } catch (error) {
      next(error);
      return;
    }
    next();
  };
}
