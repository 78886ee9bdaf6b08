// An API behind a licence: 200, 401, 403 or 429. The quota is shared by all instances, in a Durable Object.
import { createGate } from "licentia";
import { licensed } from "licentia/fetch";
import { durableObjectStore } from "licentia/stores";

export { LicentiaQuota } from "licentia/stores";

let gate;

/** One gate for each instance of the worker, made when the environment is first known. */
function gateOf(env) {
  gate ??= createGate({
    keys: [env.ISSUER_KEY], audience: "api.acme.example", store: durableObjectStore(env.QUOTA),
    onEvent: ({ action, decision }) => {
      if (!decision.allowed) console.log(`${action}: ${decision.name}`);
    },
  });
  return gate;
}

const served = (request, decision) => Response.json({ customer: decision.license.sub, state: decision.state });
const gated = (route) => licensed((_request, env) => gateOf(env), served, route);
const routes = {
  "/exports": gated({ features: ["export"], meters: ["calls"] }),
  "/sso": gated({ features: ["sso"] }),
};

export default {
  fetch(request, env) {
    const route = routes[new URL(request.url).pathname];
    return route ? route(request, env) : new Response("not found", { status: 404 });
  },
};
