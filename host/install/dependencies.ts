// What plugins need of each other, in words.

import semver from "semver";
import type { Manifest } from "./manifest.ts";

/** What a manifest's dependencies lack among these. */
export function unmetDependencies({ name, dependencies }: Manifest, others: ReadonlyMap<string, Manifest>): string[] {
  return Object.entries(dependencies).flatMap(([dependency, range]) => {
    const found = others.get(dependency)?.version;
    if (found === undefined) return [`${name} needs ${dependency} ${range}, which is not installed`];
    return semver.satisfies(found, range) ? [] : [`${name} needs ${dependency} ${range}; ${found} is installed`];
  });
}

/** Who among these depends on the plugin. */
export function dependentsOf(plugin: string, others: ReadonlyMap<string, Manifest>): string[] {
  return [...others.values()].filter(({ dependencies }) => Object.hasOwn(dependencies, plugin)).map(({ name }) => name);
}
