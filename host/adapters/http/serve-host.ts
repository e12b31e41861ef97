// Routes that tell of the host itself, and operate it.

import type { FastifyInstance } from "fastify";
import { parseJsonInput } from "../../bounds/json-input.ts";
import type { AdapterContext, Metric } from "../../seams.ts";
import { metricsText, OPENMETRICS_TYPE, PROMETHEUS_TYPE, wantsOpenMetrics } from "../gateway/openmetrics.ts";
import { calledFrom } from "./credentials.ts";
import { HEALTH, LIVE, READY } from "./paths.ts";
import { bytesOf, readBody } from "./payload.ts";
import { isKnown, principalOf } from "./principal.ts";

/** What the host has counted, for a scraper. */
const METRICS = "/metrics";

export function serveHost(app: FastifyInstance, context: AdapterContext): void {
  app.get(HEALTH, async (request) => {
    const failed = context.catalog.plugins
      .filter(({ state }) => state === "failed" || state === "quarantined")
      .map((plugin) => plugin.name);
    const found = context.problems();
    const status = failed.length === 0 && found.length === 0 ? "ok" : "degraded";
    if (!isKnown(request)) return { status };
    return { status, failed, ...(found.length === 0 ? {} : { problems: found }) };
  });
  app.get(METRICS, async (request, reply) => {
    const principal = principalOf(request);
    const metrics = (await context.operate(principal, "metrics", {}, calledFrom(request))) as readonly Metric[];
    const isOpenMetrics = wantsOpenMetrics(request.headers.accept);
    return reply.type(isOpenMetrics ? OPENMETRICS_TYPE : PROMETHEUS_TYPE).send(metricsText(metrics, isOpenMetrics));
  });
  app.get(LIVE, async (_request, reply) => {
    const isAlive = context.health.isAlive();
    return reply.code(isAlive ? 200 : 503).send({ status: isAlive ? "alive" : "stuck" });
  });
  app.get(READY, async (request, reply) => {
    const reasons = context.health.unready();
    const problems = context.problems();
    const status = reasons.length > 0 ? "not ready" : problems.length > 0 ? "degraded" : "ready";
    reply.code(reasons.length > 0 ? 503 : 200);
    return isKnown(request) ? { status, reasons, problems } : { status };
  });
  app.get("/v1/plugins", async (request) => {
    const { plugins, services } = context.catalog.for(principalOf(request));
    return plugins.map(({ name, version, state, queued, permissions, grants, limits, failure }) => {
      const own = services.filter(({ provider }) => provider === name).map((service) => service.name);
      const error = failure === undefined ? undefined : { code: failure.code, message: failure.message };
      return { name, version, state, queued, services: own, permissions, grants, limits, error };
    });
  });
  app.post<{ Params: { operation: string } }>("/v1/admin/:operation", async (request) => {
    const body = (await readBody(request))?.bytes ?? bytesOf(request);
    const input = parseJsonInput(body, "the operation's input");
    const { operation } = request.params;
    return { result: (await context.operate(principalOf(request), operation, input, calledFrom(request))) ?? null };
  });
}
