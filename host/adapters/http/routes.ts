// The section `contributes.http` of a manifest: routes to the plugin's own services, below the plugin's own name.

import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { isDottedName, isOwnName } from "../../core/names.ts";
import { isGivable, MAX_NAMED_HEADERS } from "./raw-headers.ts";

const PATH = /^\/[a-z][a-z0-9-]*(\/(:[A-Za-z][A-Za-z0-9]*|[a-z0-9][a-z0-9-]*))*$/;

export interface HttpRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly service: string;
  /** The service gets the request as it came, and answers with status and headers; without it JSON goes in. */
  readonly request?: "raw" | undefined;
  /** Of a raw route: what it is given of the request's headers, beside what every one is. */
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
          request: z.literal("raw").optional(),
          headers: z.array(headerName).max(MAX_NAMED_HEADERS).optional(),
        })
        .refine(({ request, headers }) => headers === undefined || request === "raw", {
          path: ["headers"],
          error: 'only a route with "request": "raw" is given headers',
        }),
    )
    .max(256),
});

/** Throws HostError `invalid-manifest` for a malformed section, or a path or service that is not below the plugin's own name. */
export function parseRoutes(plugin: string, section: unknown): readonly HttpRoute[] {
  const parsed = sectionSchema.safeParse(section);
  if (!parsed.success) {
    const detail = parsed.error.issues.map((issue) => `contributes.http.${issue.path.join(".")}: ${issue.message}`).join("\n");
    throw new HostError("invalid-manifest", `the HTTP routes of ${plugin} are malformed`, { detail });
  }
  for (const { path, service } of parsed.data.routes) {
    if (path !== `/${plugin}` && !path.startsWith(`/${plugin}/`)) {
      throw new HostError("invalid-manifest", `${plugin} contributes the route ${path}; its routes must begin with /${plugin}`);
    }
    if (!isOwnName(plugin, service))
      throw new HostError("invalid-manifest", `the route ${path} of ${plugin} leads to ${service}, not to its own service`);
  }
  return parsed.data.routes;
}
