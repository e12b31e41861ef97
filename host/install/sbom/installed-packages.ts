// The packages that a host runs with, as they are installed: its lock file is not part of what npm brings.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { parseJson } from "../../manifest/structured-file.ts";
import { checkedLock, type Locked, type Part, refOf, text } from "./parts.ts";

const names = z.record(z.string(), z.unknown()).default({});
const packageSchema = z.object({
  name: text,
  version: text,
  license: z.unknown().optional(),
  description: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
  peerDependencies: names,
});
type Package = z.infer<typeof packageSchema>;

export interface Installed extends Locked {
  readonly root: { readonly name: string; readonly version: string; readonly license: string | undefined };
}

/** `folder` is that of the package itself. What is optional and not there is left out. Rejects with HostError `invalid-message` for a broken package.json. */
export async function installedPackages(folder: string): Promise<Installed> {
  const parts = new Map<string, Part>();
  const visit = async (at: string, one: Package, isRequired: boolean): Promise<string[]> => {
    const refs: string[] = [];
    for (const name of Object.keys({ ...one.dependencies, ...one.optionalDependencies, ...one.peerDependencies })) {
      const place = await find(at, name);
      if (place === undefined) continue;
      const scope = isRequired && Object.hasOwn(one.dependencies, name) ? "required" : "optional";
      const part: Part = {
        ...({ ecosystem: "npm", name: place.found.name, version: place.found.version, scope, isLocal: false } as const),
        ...{ license: licenseOf(place.found), hashes: [], needs: [] },
      };
      const ref = refOf(part);
      refs.push(ref);
      const before = parts.get(ref)?.scope;
      if (before === "required" || before === scope) continue;
      parts.set(ref, part);
      const needs = await visit(place.folder, place.found, scope === "required");
      // A circle may have come by meanwhile, and found that it is required.
      parts.set(ref, { ...part, scope: parts.get(ref)?.scope ?? scope, needs });
    }
    return refs;
  };
  const root = await read(folder);
  if (root === undefined) throw new Error(`no package.json in ${folder}`);
  const direct = await visit(folder, root, true);
  return {
    file: "node_modules",
    parts: [...parts.values()],
    direct,
    root: { name: root.name, version: root.version, license: licenseOf(root) },
  };
}

const licenseOf = ({ license }: Package): string | undefined => (typeof license === "string" ? license : undefined);

/** As Node finds it: in the folder's own node_modules, or in one above. */
async function find(from: string, name: string): Promise<{ readonly folder: string; readonly found: Package } | undefined> {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, "node_modules", name);
    const found = await read(folder);
    if (found !== undefined) return { folder, found };
    if (dirname(at) === at) return undefined;
  }
}

async function read(folder: string): Promise<Package | undefined> {
  const file = join(folder, "package.json");
  const content = await readFile(file, "utf8").catch(() => undefined);
  return content === undefined ? undefined : checkedLock(packageSchema, parseJson(content, file, "invalid-message"), file);
}
