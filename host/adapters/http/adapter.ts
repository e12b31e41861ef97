// The HTTP door: services as routes that plugins contribute, and the host's own under /v1.

import type { Adapter } from "../../seams.ts";
import { type HttpOptions, httpOptions } from "./options.ts";
import { parseRoutes } from "./routes.ts";
import { startHttpServer } from "./server.ts";

export const http: Adapter<HttpOptions> = {
  name: "http",
  options: httpOptions,
  parseContribution: parseRoutes,
  async start(context, options) {
    const server = await startHttpServer(options, context);
    return { address: server.url, [Symbol.asyncDispose]: () => server.close() };
  },
};
