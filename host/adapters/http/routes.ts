// The section `contributes.http` of a manifest: routes to the plugin's own services, below the plugin's own name.

import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { isDottedName, isOwnName } from "../../core/names.ts";
import { isGivable, MAX_NAMED_HEADERS } from "./raw-headers.ts";

// A segment may have dots, as in chart.png, but not be one of the two that mean a folder.
const PATH = /^\/[a-z][a-z0-9-]*(\/(:[A-Za-z][A-Za-z0-9]*|[a-z0-9][a-z0-9.-]*))*$/;

const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

export interface HttpRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly service: string;
  /**
   * `raw`: the service gets the request as it came, and answers with status and headers; `blob`: the same, but that its body is in a blob. Without it JSON
   * goes in.
   */
  readonly request?: "raw" | "blob" | undefined;
  /** Of a raw route, or one with a blob: what it is given of the request's headers, beside what every one is. */
  readonly headers?: readonly string[] | undefined;
}

const headerName = z
  .string()
  .toLowerCase()
  .refine(isGivable, "write the name of a header; those of the connection, such as content-length, are never given");

const sectionSchema: z.ZodType<{ readonly routes: readonly HttpRoute[] }> = z.strictObject({
  routes: z
    .array(
      z
        .strictObject({
          method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
          path: z.string().max(255).regex(PATH, "write /<plugin>/segments with :name for parameters"),
          service: z.string().refine(isDottedName, "write the name of a service"),
          request: z.enum(["raw", "blob"]).optional(),
          headers: z.array(headerName).max(MAX_NAMED_HEADERS).optional(),
        })
        .refine(({ request, headers }) => headers === undefined || request !== undefined, {
          path: ["headers"],
          error: 'only a route with "request": "raw" or "blob" is given headers',
        })
        .refine(({ request, method }) => request !== "blob" || WITH_BODY.has(method), {
          path: ["request"],
          error: "only a request with POST, PUT or PATCH has a body for a blob",
        }),
    )
    .max(256),
});

/** Throws HostError `invalid-manifest` for a malformed section, or a path or service that is not below the plugin's own name. */
export function parseRoutes(plugin: string, section: unknown): readonly HttpRoute[] {
  const parsed = sectionSchema.safeParse(section);
  const wrong = parsed.success
    ? parsed.data.routes.flatMap((route, i) => foreignTo(plugin, route).map(([key, why]) => `routes.${i}.${key}: ${why}`))
    : parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  if (parsed.success && wrong.length === 0) return parsed.data.routes;
  const detail = wrong.map((line) => `contributes.http.${line}`).join("\n");
  throw new HostError("invalid-manifest", `the HTTP routes of ${plugin} are malformed: ${wrong[0]}`, { detail });
}

function foreignTo(plugin: string, { path, service }: HttpRoute): readonly (readonly [key: string, why: string])[] {
  const isBelow = path === `/${plugin}` || path.startsWith(`/${plugin}/`);
  const found: (readonly [string, string])[] = [];
  if (!isBelow) found.push(["path", `${plugin} contributes the route ${path}; its routes must begin with /${plugin}`]);
  if (!isOwnName(plugin, service)) found.push(["service", `the route ${path} leads to ${service}, not to its own service`]);
  return found;
}
