// What is declared of a service that somebody asks for: read once for each version of the catalog, and told only to those who may call it.

import type { Catalog, CatalogService, Principal } from "../../seams.ts";

export class KnownServices {
  readonly #catalog: Catalog;
  #version = -1;
  #services: ReadonlyMap<string, CatalogService> = new Map();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Undefined for one that is not there, and for one that the principal may not call. */
  find(principal: Principal, name: string): CatalogService | undefined {
    const { version } = this.#catalog;
    if (version !== this.#version) this.#services = new Map(this.#catalog.services.map((service) => [service.name, service]));
    this.#version = version;
    const found = this.#services.get(name);
    return found !== undefined && mayCall(principal, found) ? found : undefined;
  }
}

const mayCall = (principal: Principal, { name, readOnly }: CatalogService): boolean =>
  principal.allows("services.call", name) || (readOnly && principal.allows("services.read", name));
