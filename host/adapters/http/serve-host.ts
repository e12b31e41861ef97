// Routes that tell of the host itself.

import type { FastifyInstance } from "fastify";
import type { AdapterContext } from "../../seams.ts";
import type { PrincipalOf } from "./principal.ts";

export function serveHost(app: FastifyInstance, context: AdapterContext, principalOf: PrincipalOf): void {
  app.get("/healthz", async (request) => {
    const { plugins } = context.catalog.for(principalOf(request));
    const failed = plugins.filter(({ state }) => state === "failed" || state === "quarantined").map((plugin) => plugin.name);
    const found = context.problems();
    const status = failed.length === 0 && found.length === 0 ? "ok" : "degraded";
    return { status, failed, ...(found.length === 0 ? {} : { problems: found }) };
  });
  app.get("/v1/plugins", async (request) => {
    const { plugins, services } = context.catalog.for(principalOf(request));
    return plugins.map(({ name, version, state, queued, permissions, grants, limits, failure }) => {
      const own = services.filter(({ provider }) => provider === name).map((service) => service.name);
      const error = failure === undefined ? undefined : { code: failure.code, message: failure.message };
      return { name, version, state, queued, services: own, permissions, grants, limits, error };
    });
  });
}
