// What services say of themselves and their routes say otherwise.

import { z } from "zod";
import type { Finding } from "./issues.ts";
import type { Manifest } from "./manifest.ts";
import { knownTraits } from "./service-traits.ts";

/** As much of `contributes.http` as is looked at here; what is wrong with it its adapter says. */
const routesSchema = z.object({
  routes: z.array(z.object({ method: z.string(), path: z.string(), service: z.string(), request: z.string().optional() })),
});

const CHANGING: ReadonlySet<string> = new Set(["PUT", "PATCH", "DELETE"]);
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "DELETE"]);

/** What works, and is hardly meant. */
export function contradictions({ services, contributes }: Manifest): readonly Finding[] {
  const parsed = routesSchema.safeParse(contributes.http);
  const routes = parsed.success ? parsed.data.routes : [];
  return [
    ...Object.entries(services).flatMap(([name, { readOnly, idempotent }]) =>
      readOnly === true && idempotent === false
        ? [
            {
              path: ["services", name, "idempotent"],
              message: "the service is readOnly, so a call that is made twice does what one does; leave it out",
            },
          ]
        : [],
    ),
    ...routes.flatMap(({ method, path, service, request }, i) => {
      const found = Object.hasOwn(services, service) ? services[service] : undefined;
      if (found === undefined) return [];
      const { readOnly, consumes } = knownTraits(found);
      const at = ["contributes", "http", "routes", i];
      if (readOnly && CHANGING.has(method))
        return [
          { path: [...at, "method"], message: `${service} is readOnly and ${method} is for what changes something; write GET, or POST` },
        ];
      if (consumes === undefined || request !== undefined) return [];
      if (WITHOUT_BODY.has(method))
        return [{ path: [...at, "method"], message: `${service} consumes ${consumes}, and a ${method} has no body; write POST or PUT` }];
      if (path.includes("/:"))
        return [
          { path: [...at, "path"], message: `${service} consumes ${consumes}, so nothing of the path reaches it; write "request": "raw"` },
        ];
      return [];
    }),
  ];
}
