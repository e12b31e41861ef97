// Which service a request of a plugin's route is for. Plugins come and go while the host runs, so the router is made anew when what they
// contribute has changed.

import createRouter, { type HTTPMethod, type Instance } from "find-my-way";
import { toHostError } from "../../core/errors.ts";
import type { LogSink } from "../../core/ports.ts";
import { type HttpRoute, parseRoutes } from "./routes.ts";

export interface HttpContribution {
  readonly plugin: string;
  /** The manifest's `contributes.http`, as it stands there. */
  readonly section: unknown;
}

export interface FoundRoute {
  readonly service: string;
  /** The parameters of the path, decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
}

const MAX_PARAM_LENGTH = 255;

export class PluginRoutes {
  readonly #contributions: () => readonly HttpContribution[];
  readonly #log: LogSink;
  #known: readonly HttpContribution[] = [];
  #router: Instance<never>;
  readonly #services = new Map<unknown, string>();

  /** A plugin whose routes are malformed contributes none, which is logged. */
  constructor(contributions: () => readonly HttpContribution[], log: LogSink) {
    this.#contributions = contributions;
    this.#log = log;
    this.#router = this.#build([]);
    this.#refresh();
  }

  find(method: string, url: string): FoundRoute | undefined {
    this.#refresh();
    const found = this.#router.find(method as HTTPMethod, url);
    const service = found === null ? undefined : this.#services.get(found.store);
    return found === null || service === undefined ? undefined : { service, params: found.params };
  }

  #refresh(): void {
    const now = this.#contributions();
    const same = now.length === this.#known.length && now.every(({ section }, i) => section === this.#known[i]?.section);
    if (same) return;
    this.#known = [...now];
    this.#router = this.#build(now);
  }

  #build(contributions: readonly HttpContribution[]): Instance<never> {
    const router = createRouter({ maxParamLength: MAX_PARAM_LENGTH });
    this.#services.clear();
    for (const { plugin, section } of contributions) {
      for (const { method, path, service } of this.#routesOf(plugin, section)) {
        if (router.hasRoute(method, path)) {
          this.#log.write({ level: "error", plugin: "host", message: `${plugin} contributes ${method} ${path} twice; the first stays` });
          continue;
        }
        const key = {};
        this.#services.set(key, service);
        router.on(method, path, () => {}, key);
      }
    }
    return router as Instance<never>;
  }

  #routesOf(plugin: string, section: unknown): readonly HttpRoute[] {
    try {
      return parseRoutes(plugin, section);
    } catch (thrown) {
      const { message, detail } = toHostError(thrown);
      this.#log.write({ level: "error", plugin: "host", message, cause: detail });
      return [];
    }
  }
}
