// Makes a bill of materials in the form of CycloneDX 1.6. The same parts give the same bytes: they are sorted, and its number comes from what it says.

import { createHash } from "node:crypto";
import { MAX_LICENSE } from "../tarball.ts";
import { type Locked, type Part, refOf } from "./parts.ts";

/** An optional package of ours. */
export const CYCLONEDX_PACKAGE = { name: "@cyclonedx/cyclonedx-library", range: "^10.3.0" } as const;

/** What the bill is of. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly description?: string | undefined;
  readonly license?: string | undefined;
  /** Files of it, by name, with their SHA-256. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
}

export interface BillOptions {
  /** Of Bulkhead, which makes it. */
  readonly toolVersion: string;
  /** Milliseconds since 1970; without it the bill says no time. */
  readonly timestamp?: number | undefined;
}

const load = async () => {
  const [enums, models, serialize, spec, spdx] = await Promise.all([
    import("@cyclonedx/cyclonedx-library/Enums"),
    import("@cyclonedx/cyclonedx-library/Models"),
    import("@cyclonedx/cyclonedx-library/Serialize"),
    import("@cyclonedx/cyclonedx-library/Spec"),
    import("@cyclonedx/cyclonedx-library/SPDX"),
  ]);
  return { enums, models, serialize, spec, spdx };
};
type Library = Awaited<ReturnType<typeof load>>;
type Component = InstanceType<Library["models"]["Component"]>;

const SUBJECT = "plugin";
const SCOPES = { required: "Required", optional: "Optional", excluded: "Excluded" } as const;
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Rejects with ERR_MODULE_NOT_FOUND where the package is not installed. */
export async function billOf(subject: Subject, locked: readonly Locked[], { toolVersion, timestamp }: BillOptions): Promise<string> {
  const library = await load();
  const { enums, models } = library;
  const parts = merged(locked);
  const components = new Map(parts.map(([ref, part]) => [ref, componentOf(library, ref, part)]));
  for (const [ref, { needs }] of parts) link(components, components.get(ref), needs);
  const root = subjectOf(library, subject);
  link(
    components,
    root,
    locked.flatMap(({ direct }) => direct),
  );
  const files = subject.files.map(({ name, sha256 }) => {
    const hashes = new models.HashDictionary([[enums.HashAlgorithm["SHA-256"], sha256]]);
    return new models.Component(enums.ComponentType.File, name, { bomRef: `file:${name}`, hashes });
  });
  const tool = new models.Component(enums.ComponentType.Application, "bulkhead", { bomRef: "tool:bulkhead", version: toolVersion });
  const read = locked.map(({ file }) => new models.Property("bulkhead:read", file));
  const metadata = new models.Metadata({
    component: root,
    tools: new models.Tools({ components: new models.ComponentRepository([tool]) }),
    properties: new models.PropertyRepository(read),
    ...(timestamp !== undefined && { timestamp: new Date(timestamp) }),
  });
  const bom = new models.Bom({ metadata, components: new models.ComponentRepository([...files, ...components.values()]) });
  bom.serialNumber = serialOf(textOf(library, bom));
  return `${textOf(library, bom)}\n`;
}

function textOf({ serialize, spec }: Library, bom: InstanceType<Library["models"]["Bom"]>): string {
  const factory = new serialize.JSON.Normalize.Factory(spec.Spec1dot6);
  // Sorted already: the library's own order is that of the system's language.
  return new serialize.JsonSerializer(factory).serialize(bom, { sortLists: false, space: 2 });
}

/** A UUID of version 8, whose digits are its maker's affair. */
function serialOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Each once, by reference; what one needs in one place it needs. */
function merged(locked: readonly Locked[]): readonly (readonly [ref: string, part: Part])[] {
  const all = new Map<string, Part>();
  for (const part of locked.flatMap(({ parts }) => parts)) {
    const ref = refOf(part);
    const before = all.get(ref);
    const scope = [before?.scope, part.scope].includes("required") ? "required" : (before?.scope ?? part.scope);
    all.set(ref, { ...part, ...before, scope, needs: [...new Set([...(before?.needs ?? []), ...part.needs])].sort(byText) });
  }
  return [...all].sort(([a], [b]) => byText(a, b));
}

function link(components: ReadonlyMap<string, Component>, from: Component | undefined, refs: readonly string[]): void {
  for (const ref of [...new Set(refs)].sort(byText)) {
    const to = components.get(ref);
    if (to !== undefined && to !== from) from?.dependencies.add(to.bomRef);
  }
}

function componentOf(library: Library, ref: string, { name, version, hashes, scope, license, isLocal }: Part): Component {
  const { enums, models } = library;
  const [only] = hashes;
  return new models.Component(enums.ComponentType.Library, name, {
    ...{ bomRef: ref, version, scope: enums.ComponentScope[SCOPES[scope]], licenses: licensesOf(library, license) },
    ...(!isLocal && { purl: ref }),
    hashes: new models.HashDictionary(only === undefined || hashes.length > 1 ? [] : [[enums.HashAlgorithm[only.algorithm], only.hex]]),
    // Of several files that it could have come as.
    properties: new models.PropertyRepository(
      hashes.length < 2 ? [] : hashes.map(({ algorithm, hex }) => new models.Property(`bulkhead:file:${algorithm}`, hex)),
    ),
  });
}

function subjectOf(library: Library, { name, version, description, license }: Subject): Component {
  const { enums, models } = library;
  return new models.Component(enums.ComponentType.Application, name, {
    ...{ bomRef: `${SUBJECT}:${name}@${version}`, version, licenses: licensesOf(library, license) },
    ...(description !== undefined && { description }),
  });
}

function licensesOf({ models, spdx }: Library, license: string | undefined): InstanceType<Library["models"]["LicenseRepository"]> {
  if (license === undefined || license === "") return new models.LicenseRepository();
  // Typed as a guard, it would take the text away.
  const isKnown: (id: string) => boolean = spdx.isSupportedSpdxId;
  const shown = license.slice(0, MAX_LICENSE);
  return new models.LicenseRepository([isKnown(shown) ? new models.SpdxLicense(shown) : new models.NamedLicense(shown)]);
}
