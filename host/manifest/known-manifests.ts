// The manifests of all plugins that there are, installed or configured, whether they run or not; tells of each change.

import type { Manifest } from "./manifest.ts";

export class KnownManifests extends Map<string, Manifest> {
  readonly #listeners = new Set<() => void>();

  override set(plugin: string, manifest: Manifest): this {
    super.set(plugin, manifest);
    this.#tell();
    return this;
  }

  override delete(plugin: string): boolean {
    const found = super.delete(plugin);
    this.#tell();
    return found;
  }

  /** Returns its undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
