// Middleware for handlers from `Request` to `Response`: Workers, Hono, Deno.serve, Bun.serve.
import type { Decision } from "./gate/decision.js";
import type { Gate, SharedGate } from "./gate/gate.js";
import { Pending } from "./gate/pending.js";
import { asker, type Route } from "./http.js";

export type { Route } from "./http.js";

/** A Worker's environment and context, which other hosts do not pass, or not of this type. */
type Rest<E, C> = unknown extends E ? [env?: unknown, context?: unknown]
  : unknown extends C ? [env: E, context?: unknown] : [env: E, context: C];

/** Serves a request that was allowed. */
export type Handler<E = unknown, C = unknown> =
  (request: Request, decision: Decision, env: E, context: C) => Response | Promise<Response>;

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
      path: url.pathname, query: url.search, source: undefined,
    });
    if (decision.allowed) return { decision, denied: undefined };
    const { status, headers, body } = decision.refusal();
    return { decision, denied: new Response(body, { status, headers }) };
  };
}

/** Checks one request. If the routes are known in advance, `licensed` and `hono` cost less. */
export function guard(gate: Gate | SharedGate, request: Request, route: Route = {}): Promise<Guarded> {
  return Pending.of(guarding(route)(gate, request));
}

/** Wraps a handler with a gate: `export default { fetch: licensed(gate, handler, { features: ["export"] }) }`. */
export function licensed<E, C>(
  gate: GateOf<[request: Request, env: E, context: C]>, handler: Handler<E, C>, route: Route = {},
): (request: Request, ...rest: Rest<E, C>) => Promise<Response> {
  const ask = guarding(route);
  return async (request, ...rest) => {
    const [env, context] = rest as [E, C];
    const found = typeof gate === "function" ? gate(request, env, context) : gate;
    const { decision, denied } = await ask(found, request);
    if (denied !== undefined) return denied;
    const answer = await handler(request, decision, env, context);
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
  /** Bindings, whose type only the application knows. */
  env: any;
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
