// Reads package-lock.json of npm 7 and later.

import { z } from "zod";
import { parseJson } from "../../manifest/structured-file.ts";
import { badLock, checkedLock, hashOf, type Locked, type Part, type PartHash, refOf, text } from "./parts.ts";

const FOLDER = "node_modules/";
const names = z.record(z.string(), z.unknown()).optional();
const entrySchema = z.object({
  name: text.optional(),
  version: text.optional(),
  integrity: z.string().max(4_096).optional(),
  license: z.unknown().optional(),
  link: z.boolean().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  dependencies: names,
  devDependencies: names,
  optionalDependencies: names,
});
const lockSchema = z.object({ lockfileVersion: z.int(), packages: z.record(z.string(), z.unknown()).optional() });

type Entry = z.infer<typeof entrySchema>;

/** Throws HostError `invalid-message`. */
export function readNpmLock(content: string, file: string): Locked {
  const { packages } = checkedLock(lockSchema, parseJson(content, file, "invalid-message"), file);
  if (packages === undefined) throw badLock(file, 'is of an npm before 7; "npm install" of a later one renews it');
  const entries = new Map(Object.entries(packages).map(([path, entry]) => [path, checkedLock(entrySchema, entry, `${file}, ${path}`)]));
  const parts = new Map<string, Part>();
  for (const [path, entry] of entries) if (path !== "" && entry.link !== true) parts.set(path, partOf(path, entry, file));
  const refsOf = (path: string, needed: readonly string[]): string[] =>
    needed.flatMap((name) => {
      const found = parts.get(placeOf(path, name, parts) ?? "");
      return found === undefined ? [] : [refOf(found)];
    });
  const root = entries.get("");
  return {
    file,
    parts: [...parts].map(([path, part]) => ({ ...part, needs: refsOf(path, neededBy(entries.get(path))) })),
    direct: refsOf("", [...neededBy(root), ...Object.keys(root?.devDependencies ?? {})]),
  };
}

function partOf(path: string, { name, version, integrity, license, dev, optional, devOptional }: Entry, file: string): Part {
  const at = path.lastIndexOf(FOLDER);
  return {
    ecosystem: "npm",
    name: name ?? (at < 0 ? path : path.slice(at + FOLDER.length)),
    version: version ?? "0.0.0",
    hashes: integrity === undefined ? [] : hashesOf(integrity, file),
    scope: dev === true ? "excluded" : optional === true || devOptional === true ? "optional" : "required",
    license: typeof license === "string" ? license : undefined,
    isLocal: at < 0,
    needs: [],
  };
}

/** The strongest of them. */
function hashesOf(integrity: string, file: string): readonly PartHash[] {
  const hashes = integrity.split(/\s+/).flatMap((one) => {
    const [name = "", digest = ""] = one.split(/-(.*)/s);
    return hashOf(name, digest, "base64", file) ?? [];
  });
  return hashes.sort((a, b) => b.hex.length - a.hex.length).slice(0, 1);
}

const neededBy = (entry: Entry | undefined): readonly string[] => Object.keys({ ...entry?.dependencies, ...entry?.optionalDependencies });

/** As Node finds it: in the package's own folder, or in one above. */
function placeOf(path: string, name: string, parts: ReadonlyMap<string, Part>): string | undefined {
  for (let from = path; ; from = from.slice(0, Math.max(0, from.lastIndexOf(`/${FOLDER}`)))) {
    const place = `${from === "" ? "" : `${from}/`}${FOLDER}${name}`;
    if (parts.has(place)) return place;
    if (from === "") return undefined;
  }
}
