// What is projected from a catalog, such as documents, made when somebody asks and kept while it holds: one for each catalog's version and for what its reader may see of it.

import { createHash } from "node:crypto";
import type { Catalog, Principal } from "../../seams.ts";

/** With the documents' own bound that comes to 32 MiB. */
const MAX_KEPT = 8;

export class Documents<T> {
  readonly #catalog: Catalog;
  /** By what they are of, the one used last at the end. */
  readonly #kept = new Map<string, T>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** `make` is given what the principal may see. */
  get(name: string, principal: Principal, make: (catalog: Catalog) => T): T {
    const catalog = this.#catalog.for(principal);
    const key = `${name} ${catalog.version} ${visibleIn(catalog)}`;
    const document = this.#kept.get(key) ?? make(catalog);
    this.#kept.delete(key);
    this.#kept.set(key, document);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return document;
  }
}

/** Two who may see the same read the same, whatever their grants are called; a grant that is changed is seen at once. */
function visibleIn({ services, events }: Catalog): string {
  const hash = createHash("sha256");
  for (const { name } of services) hash.update(`${name}\n`);
  hash.update("\n");
  for (const { type } of events) hash.update(`${type}\n`);
  return hash.digest("base64");
}
