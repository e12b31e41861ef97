// What a request is for, known before its body is read.

import type { FastifyRequest } from "fastify";
import type { CatalogService } from "../../seams.ts";
import type { KnownServices } from "./known-services.ts";
import type { FoundRoute, PluginRoutes } from "./plugin-routes.ts";
import { principalOf } from "./principal.ts";
import { type Notes, notesOf, type Target } from "./request-notes.ts";

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

  constructor(ports: AskedPorts) {
    this.#ports = ports;
  }

  /** Of a request that was let in. */
  of(request: FastifyRequest): Asked {
    const notes = notesOf(request) as Notes<Asked>;
    notes.asked ??= this.#find(request);
    return notes.asked;
  }

  /** The service that a request leads to, whoever makes it. */
  serviceOf(request: FastifyRequest): string | undefined {
    return this.#targetOf(request).name;
  }

  #find(request: FastifyRequest): Asked {
    const { found, name } = this.#targetOf(request);
    return { found, service: name === undefined ? undefined : this.#ports.services.find(principalOf(request), name) };
  }

  #targetOf(request: FastifyRequest): Target {
    const notes = notesOf(request);
    notes.target ??= this.#look(request);
    return notes.target;
  }

  #look(request: FastifyRequest): Target {
    // Fastify makes the options anew whenever they are read.
    const { url } = request.routeOptions;
    const found = url === PLUGIN_ROUTES ? this.#ports.routes.find(request.method, request.url) : undefined;
    return { found, name: url === SERVICE_ROUTE ? (request.params as { readonly name: string }).name : found?.route.service };
  }
}

/** Whether the request reaches the plugin as it came, with whatever body it has. */
export const isAsItCame = ({ found }: Asked): boolean => found?.route.request !== undefined;
