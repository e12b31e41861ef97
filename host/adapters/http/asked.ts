// What a request is for, known before its body is read.

import type { FastifyRequest } from "fastify";
import type { CatalogService } from "../../seams.ts";
import type { KnownServices } from "./known-services.ts";
import type { FoundRoute, PluginRoutes } from "./plugin-routes.ts";
import { principalOf } from "./principal.ts";

/** Where what plugins contribute is found, beside the host's own routes. */
export const PLUGIN_ROUTES = "/*";
export const SERVICE_ROUTE = "/v1/services/:name";

export interface Asked {
  /** The plugin's route that it is for, if it is for one. */
  readonly found: FoundRoute | undefined;
  /** What is declared of the service that it leads to, as far as the principal may know. */
  readonly service: CatalogService | undefined;
}

export interface AskedPorts {
  readonly routes: PluginRoutes;
  readonly services: KnownServices;
}

export class AskedRequests {
  readonly #ports: AskedPorts;
  readonly #asked = new WeakMap<FastifyRequest, Asked>();

  constructor(ports: AskedPorts) {
    this.#ports = ports;
  }

  /** Of a request that was let in. */
  of(request: FastifyRequest): Asked {
    const known = this.#asked.get(request) ?? this.#find(request);
    this.#asked.set(request, known);
    return known;
  }

  /** The service that a request leads to, whoever makes it. */
  serviceOf(request: FastifyRequest): string | undefined {
    return this.#target(request).name;
  }

  #find(request: FastifyRequest): Asked {
    const { found, name } = this.#target(request);
    return { found, service: name === undefined ? undefined : this.#ports.services.find(principalOf(request), name) };
  }

  #target({ method, url, routeOptions, params }: FastifyRequest): {
    readonly found: FoundRoute | undefined;
    readonly name: string | undefined;
  } {
    const found = routeOptions.url === PLUGIN_ROUTES ? this.#ports.routes.find(method, url) : undefined;
    return { found, name: routeOptions.url === SERVICE_ROUTE ? (params as { readonly name: string }).name : found?.route.service };
  }
}

/** Whether the request reaches the plugin as it came, with whatever body it has. */
export const isAsItCame = ({ found }: Asked): boolean => found?.route.request !== undefined;
