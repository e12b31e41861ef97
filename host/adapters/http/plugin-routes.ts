// Which plugin's route a request is for. Plugins come and go while the host runs, so the router is made anew when what they
// contribute has changed.

import createRouter, { type HTTPMethod, type Instance } from "find-my-way";
import type { LogSink } from "../../core/ports/log.ts";
import type { Catalog, Contribution } from "../../seams.ts";
import type { HttpRoute } from "./routes.ts";

export interface FoundRoute {
  readonly plugin: string;
  readonly route: HttpRoute;
  /** The parameters of the path, decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
}

const MAX_PARAM_LENGTH = 255;

export class PluginRoutes {
  readonly #catalog: Catalog;
  readonly #log: LogSink;
  #version = -1;
  #known: readonly Contribution[] = [];
  readonly #routes = new Map<unknown, Omit<FoundRoute, "params">>();
  #router: Instance<never>;

  constructor(catalog: Catalog, log: LogSink) {
    this.#catalog = catalog;
    this.#log = log;
    this.#router = this.#build([]);
    this.#refresh();
  }

  find(method: string, url: string): FoundRoute | undefined {
    this.#refresh();
    const found = this.#router.find(method as HTTPMethod, url);
    const route = found === null ? undefined : this.#routes.get(found.store);
    return found === null || route === undefined ? undefined : { ...route, params: found.params };
  }

  #refresh(): void {
    const { version } = this.#catalog;
    if (version === this.#version) return;
    this.#version = version;
    const now = this.#catalog.contributions("http");
    const same = now.length === this.#known.length && now.every(({ section }, i) => section === this.#known[i]?.section);
    if (same) return;
    this.#known = now;
    this.#router = this.#build(now);
  }

  #build(contributions: readonly Contribution[]): Instance<never> {
    const router = createRouter({ maxParamLength: MAX_PARAM_LENGTH });
    this.#routes.clear();
    for (const { plugin, section } of contributions) {
      for (const route of section as readonly HttpRoute[]) {
        const { method, path } = route;
        if (router.hasRoute(method, path)) {
          this.#log.write({ level: "error", plugin: "host", message: `${plugin} contributes ${method} ${path} twice; the first stays` });
          continue;
        }
        const key = {};
        this.#routes.set(key, { plugin, route });
        router.on(method, path, () => {}, key);
      }
    }
    return router as Instance<never>;
  }
}
