// What plugins need of each other, in words. A manifest names a range, or with `npm:<package>@<range>` also where the plugin can be had.

import semver from "semver";

export interface Dependency {
  readonly plugin: string;
  readonly range: string;
  /** Where it can be had; undefined when the manifest does not say. */
  readonly source: string | undefined;
}

/** What counts of a manifest here. */
interface Dependent {
  readonly name: string;
  readonly version: string;
  /** Plugin names with their ranges. */
  readonly dependencies: Readonly<Record<string, string>>;
}

const NPM = "npm:";

/** Undefined for what is neither a range nor a package with one. */
export function parseDependency(plugin: string, text: string): Dependency | undefined {
  const source = text.startsWith(NPM) ? text.slice(NPM.length) : undefined;
  const range = source === undefined ? text : source.slice(source.indexOf("@", 1) + 1);
  const isNamed = source === undefined || source.indexOf("@", 1) > 0;
  return isNamed && semver.validRange(range) !== null ? { plugin, range, source } : undefined;
}

export function dependenciesOf({ dependencies }: Pick<Dependent, "dependencies">): Dependency[] {
  return Object.entries(dependencies).flatMap(([plugin, text]) => parseDependency(plugin, text) ?? []);
}

export const missingDependency = (name: string, dependency: string, range: string): string =>
  `${name} needs ${dependency} ${range}, which is not installed`;

/** What a manifest's dependencies lack among these. */
export function unmetDependencies(manifest: Dependent, others: ReadonlyMap<string, Dependent>): string[] {
  return dependenciesOf(manifest).flatMap(({ plugin, range }) => {
    const found = others.get(plugin)?.version;
    if (found === undefined) return [missingDependency(manifest.name, plugin, range)];
    return semver.satisfies(found, range) ? [] : [`${manifest.name} needs ${plugin} ${range}; ${found} is installed`];
  });
}

/** Whose dependencies this version of a plugin would not satisfy. */
export function brokenDependents({ name, version }: Dependent, others: ReadonlyMap<string, Dependent>): string[] {
  return [...others.values()].flatMap((other) =>
    dependenciesOf(other)
      .filter(({ plugin, range }) => plugin === name && !semver.satisfies(version, range))
      .map(({ range }) => `${other.name} ${other.version} needs ${name} ${range}, so it cannot be ${version}`),
  );
}

/** Who among these depends on the plugin. */
export function dependentsOf(plugin: string, others: ReadonlyMap<string, Dependent>): string[] {
  return [...others.values()].filter(({ dependencies }) => Object.hasOwn(dependencies, plugin)).map(({ name }) => name);
}
