// A Worker as its author writes it, with Cloudflare's own types.
import { createGate, type SharedGate } from "licentia";
import { hono, licensed } from "licentia/fetch";
import { durableObjectStore, kvStore, LicentiaQuota } from "licentia/stores";
import { Hono } from "hono";

interface Env {
  ISSUER_KEY: string;
  QUOTA: DurableObjectNamespace;
  TYPED: DurableObjectNamespace<LicentiaDurable>;
  CACHE: KVNamespace;
}
class LicentiaDurable extends LicentiaQuota {}
export { LicentiaQuota } from "licentia/stores";
export const constructed = (state: DurableObjectState, env: Env): LicentiaQuota => new LicentiaQuota(state, env);

let gate: SharedGate | undefined;
function gateOf(env: Env): SharedGate {
  return (gate ??= createGate({ keys: [env.ISSUER_KEY], store: durableObjectStore(env.QUOTA) }));
}
export const others = (env: Env) => [durableObjectStore(env.TYPED), kvStore(env.CACHE)];

// Both take the environment, one of them does, or the handler takes the context too.
const both = licensed((_request, env: Env) => gateOf(env), (_request, { license }, env) => Response.json({ sub: license?.sub, key: env.ISSUER_KEY }));
const asked = licensed((_request, env: Env) => gateOf(env), (_request, decision) => new Response(decision.name));
const handled = licensed((_request: Request) => gate as SharedGate, (_request, decision, env: Env) => new Response(decision.name + env.ISSUER_KEY));
const context = licensed(
  (_request, env: Env, _context: ExecutionContext) => gateOf(env),
  (_request, decision, env, context) => {
    context.waitUntil(Promise.resolve());
    return new Response(decision.name + env.ISSUER_KEY);
  },
);
export default { fetch: both } satisfies ExportedHandler<Env>;
export const second: ExportedHandler<Env> = { fetch: asked };
export const third: ExportedHandler<Env> = { fetch: handled };
export const fourth = { fetch: context } satisfies ExportedHandler<Env>;
export const fifth = {
  fetch: (request, env, context) => both(request, env, context),
} satisfies ExportedHandler<Env>;

const app = new Hono<{ Bindings: Env; Variables: { licentia: import("licentia").Decision } }>();
app.use("/exports", hono((c) => gateOf(c.env), { features: ["export"] }));
app.get("/exports", (c) => c.json({ customer: c.get("licentia").license?.sub ?? null }));
export const served: ExportedHandler<Env> = { fetch: app.fetch };
