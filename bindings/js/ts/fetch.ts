// A wrapper for handlers that take a `Request` and give a `Response`: Workers, Hono, Deno.serve, Bun.serve.
import type { Decision } from "./decision.js";
import type { Gate, SharedGate } from "./gate.js";
import { type Asked, asked, type Route } from "./http.js";

export type { Route } from "./http.js";

/** Serves a request that was let through. */
export type Handler<A extends unknown[]> =
  (request: Request, decision: Decision, ...rest: A) => Response | Promise<Response>;

/** Asks the gate. Where the answer is no, gives the response to send. */
export async function guard(
  gate: Gate | SharedGate, request: Request, route: Route = {},
): Promise<{ decision: Decision; denied: Response | undefined }> {
  const url = new URL(request.url);
  const seen: Asked = {
    authorization: request.headers.get("authorization"), proof: request.headers.get("licentia-proof"),
    method: request.method, origin: url.origin, path: url.pathname, query: url.search,
  };
  const [token, needs] = asked(seen, route);
  const decision = await gate.check(token, needs);
  if (decision.allowed) return { decision, denied: undefined };
  const headers = { ...decision.headers(), "content-type": "application/problem+json" };
  return { decision, denied: new Response(decision.problem(), { status: decision.status, headers }) };
}

/** Puts a gate before a handler: `export default { fetch: licensed(gate, handler, { features: ["export"] }) }`. */
export function licensed<A extends unknown[]>(
  gate: Gate | SharedGate | ((request: Request, ...rest: A) => Gate | SharedGate),
  handler: Handler<A>,
  route: Route = {},
): (request: Request, ...rest: A) => Promise<Response> {
  return async (request, ...rest) => {
    const found = typeof gate === "function" ? gate(request, ...rest) : gate;
    const { decision, denied } = await guard(found, request, route);
    if (denied !== undefined) return denied;
    const answer = await handler(request, decision, ...rest);
    const fields = Object.entries(decision.headers());
    if (fields.length === 0) return answer;
    // A response from elsewhere has headers that cannot be changed.
    const response = new Response(answer.body, answer);
    for (const [name, value] of fields) response.headers.set(name, value);
    return response;
  };
}

/** What is used of Hono's context. */
interface Context {
  req: { raw: Request };
  header(name: string, value: string): void;
  set(key: never, value: never): void;
}

/** Middleware for Hono; the decision is then `c.get("licentia")`. */
export function hono(
  gate: Gate | SharedGate, route: Route = {},
): (context: Context, next: () => Promise<void>) => Promise<Response | void> {
  return async (context, next) => {
    const { decision, denied } = await guard(gate, context.req.raw, route);
    if (denied !== undefined) return denied;
    context.set("licentia" as never, decision as never);
    await next();
    for (const [name, value] of Object.entries(decision.headers())) context.header(name, value);
    return undefined;
  };
}
