// Middleware for handlers from `Request` to `Response`: Workers, Hono, Deno.serve, Bun.serve.
import type { Decision } from "./gate/decision.js";
import type { Gate, SharedGate } from "./gate/gate.js";
import { asker, type Route } from "./http.js";

export type { Route } from "./http.js";

/** Serves a request that was allowed. */
export type Handler<A extends unknown[]> =
  (request: Request, decision: Decision, ...rest: A) => Response | Promise<Response>;

/** A gate, or a function that returns one: a Worker knows its environment only once a request has come. */
type GateOf<A extends unknown[]> = Gate | SharedGate | ((...given: A) => Gate | SharedGate);

/** A decision, and the response to send if it is a denial. */
export interface Guarded {
  decision: Decision;
  denied: Response | undefined;
}

function guarding(route: Route): (gate: Gate | SharedGate, request: Request) => Promise<Guarded> {
  const ask = asker(route);
  return async (gate, request) => {
    const url = new URL(request.url);
    const decision = await ask(gate, {
      header: (name) => request.headers.get(name), method: request.method,
      origin: () => url.origin, path: url.pathname, query: url.search, source: undefined,
    });
    if (decision.allowed) return { decision, denied: undefined };
    const { status, headers, body } = decision.refusal();
    return { decision, denied: new Response(body, { status, headers }) };
  };
}

/** Checks one request. If the routes are known in advance, `licensed` and `hono` cost less. */
export function guard(gate: Gate | SharedGate, request: Request, route: Route = {}): Promise<Guarded> {
  return guarding(route)(gate, request);
}

/** Wraps a handler with a gate: `export default { fetch: licensed(gate, handler, { features: ["export"] }) }`. */
export function licensed<A extends unknown[]>(
  gate: Gate | SharedGate, handler: Handler<A>, route?: Route,
): (request: Request, ...rest: A) => Promise<Response>;
export function licensed<A extends unknown[]>(
  gate: (request: Request, ...rest: A) => Gate | SharedGate, handler: Handler<NoInfer<A>>, route?: Route,
): (request: Request, ...rest: A) => Promise<Response>;
export function licensed<A extends unknown[]>(
  gate: GateOf<[Request, ...A]>, handler: Handler<A>, route: Route = {},
): (request: Request, ...rest: A) => Promise<Response> {
  const ask = guarding(route);
  return async (request, ...rest) => {
    const found = typeof gate === "function" ? gate(request, ...rest) : gate;
    const { decision, denied } = await ask(found, request);
    if (denied !== undefined) return denied;
    const answer = await handler(request, decision, ...rest);
    const fields = Object.entries(decision.headers());
    // A response that upgrades the connection, or that stands for a network error, cannot be copied.
    if (fields.length === 0 || answer.status < 200) return answer;
    // The headers of a fetched response are immutable.
    const response = new Response(answer.body, answer);
    for (const [name, value] of fields) response.headers.set(name, value);
    return response;
  };
}

/** The part of Hono's context that is used here. */
export interface HonoContext {
  req: { raw: Request };
  res: Response;
  header(name: string, value: string): void;
  set(key: never, value: never): void;
}

/** Middleware for Hono; the decision is then `c.get("licentia")`. */
export function hono<C extends HonoContext>(
  gate: GateOf<[C]>, route: Route = {},
): (context: C, next: () => Promise<void>) => Promise<Response | void> {
  const ask = guarding(route);
  return async (context, next) => {
    const found = typeof gate === "function" ? gate(context) : gate;
    const { decision, denied } = await ask(found, context.req.raw);
    if (denied !== undefined) return denied;
    context.set("licentia" as never, decision as never);
    await next();
    if (context.res.status < 200) return undefined;
    for (const [name, value] of Object.entries(decision.headers())) context.header(name, value);
    return undefined;
  };
}
