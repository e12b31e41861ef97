// The versions of wit/ that a host serves: those that were released, each frozen in a folder of its own, and the one that is being written. A later version
// has all of an earlier one as it was, so that whoever was built for one is served by all that follow. Errors alone grow: a later version may add codes and
// optional fields behind those that there were, and a host tells each plugin what its own version has.

import {
  type Contract,
  type Enum,
  type Func,
  functionsOf,
  type Interface,
  importedInterfaces,
  type RecordType,
  resolve,
  type Type,
  witText,
} from "./model.ts";

/** As manifests name it: the version of the package without its patch number. */
export function apiOf({ package: name }: Contract): string {
  const api = /@(\d+\.\d+)\.\d+$/.exec(name)?.[1];
  if (api === undefined) throw new Error(`the package ${name} needs a version of three numbers`);
  return api;
}

/** The version in which each function was there first. Throws when `contract` is without something of a release, or has it otherwise. */
export function sinceOf(contract: Contract, releases: readonly Contract[]): (face: Interface, func: Func) => string {
  for (const release of releases) checkKept(contract, release);
  return (face, func) => apiOf(releases.find((release) => has(release, face.name, func.name)) ?? contract);
}

const has = (release: Contract, face: string, name: string): boolean => {
  const found = release.interfaces.get(face);
  return found !== undefined && functionsOf(found).some((one) => one.name === name);
};

function checkKept(contract: Contract, release: Contract): void {
  checkErrorsKept(contract, release);
  for (const before of importedInterfaces(release)) {
    const face = importedInterfaces(contract).find(({ name }) => name === before.name);
    for (const func of functionsOf(before)) {
      const kept = face && functionsOf(face).find(({ name }) => name === func.name);
      if (face !== undefined && kept !== undefined && typeOf(contract, face, kept) === typeOf(release, before, func)) continue;
      const is = kept === undefined ? "is not in" : "is of another type in";
      throw new Error(`${before.name}.${func.name} of api ${apiOf(release)} ${is} wit/; leave it as it was, and add another beside it`);
    }
  }
}

function checkErrorsKept(contract: Contract, release: Contract): void {
  const before = errorOf(release);
  if (before === undefined) return;
  const now = errorOf(contract);
  const added = now?.fields.slice(before.fields.length) ?? [];
  const keeps =
    now !== undefined &&
    isBeginning(before.fields, now.fields) &&
    isBeginning(before.codes, now.codes) &&
    added.every((one) => one.includes(": option<"));
  if (!keeps)
    throw new Error(`the error of api ${apiOf(release)} is another in wit/; add codes and optional fields behind those that it had`);
}

const isBeginning = (some: readonly string[], all: readonly string[]): boolean => some.every((one, i) => one === all[i]);

interface ErrorRecord {
  readonly fields: readonly string[];
  readonly codes: readonly string[];
}

/** Fields as wit/ writes them; undefined for a package that has no errors. */
function errorOf({ interfaces }: Contract): ErrorRecord | undefined {
  const types = interfaces.get("types");
  const record = types?.items.find((item) => item.kind === "record" && item.name === "error");
  const codes = types?.items.find((item) => item.kind === "enum" && item.name === "error-code");
  if (record?.kind !== "record" || codes?.kind !== "enum") return undefined;
  return { fields: record.fields.map(({ name, type }) => `${name}: ${witText(type)}`), codes: codes.cases.map(({ name }) => name) };
}

/** With everything that its names stand for, but for errors, which are looked at by themselves. */
function typeOf(contract: Contract, face: Interface, { params, result }: Func): string {
  const inner = (type: Type | undefined): string => (type === undefined ? "_" : expanded(contract, face, type));
  return `(${params.map(({ type }) => inner(type)).join(", ")}) -> ${inner(result)}`;
}

function expanded(contract: Contract, face: Interface, type: Type): string {
  const inner = (one: Type | undefined): string => (one === undefined ? "_" : expanded(contract, face, one));
  switch (type.kind) {
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return home.name === "types" && item.name === "error" ? "error" : definition(contract, home, item);
    }
    case "list":
    case "option":
      return `${type.kind}<${inner(type.of)}>`;
    case "result":
      return `result<${inner(type.ok)}, ${inner(type.error)}>`;
    default:
      return witText(type);
  }
}

function definition(contract: Contract, home: Interface, item: Enum | RecordType): string {
  if (item.kind === "enum") return `enum { ${item.cases.map(({ name }) => name).join(", ")} }`;
  const fields = item.fields.map(({ name, type }) => `${name}: ${expanded(contract, home, type)}`);
  return `record { ${fields.join(", ")} }`;
}
