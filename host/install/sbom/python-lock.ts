// Reads uv.lock, and a requirements.txt that pins versions with hashes.

import { z } from "zod";
import { parseTomlText } from "../../manifest/structured-file.ts";
import { badLock, checkedLock, hashOf, type Locked, type Part, type PartHash, refOf, text } from "./parts.ts";

const artifact = z.object({ hash: text.optional() });
const lockSchema = z.object({
  package: z
    .array(
      z.object({
        name: text,
        version: text.optional(),
        source: z.record(z.string(), z.unknown()),
        dependencies: z.array(z.object({ name: text, version: text.optional() })).optional(),
        sdist: artifact.optional(),
        wheels: z.array(artifact).optional(),
      }),
    )
    .default([]),
});
const REGISTRIES = ["registry", "url", "git"];
const PINNED = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+);?$/;
const HASH = "--hash=";

/** Throws HostError `invalid-message`. */
export function readUvLock(content: string, file: string): Locked {
  const { package: packages } = checkedLock(lockSchema, parseTomlText(content, file, "invalid-message"), file);
  const parts = packages.map(({ name, version = "0", source, sdist, wheels = [], dependencies = [] }) => ({
    ...({ ecosystem: "pypi", name, version, scope: "required", isLocal: !REGISTRIES.some((one) => Object.hasOwn(source, one)) } as const),
    hashes: [sdist, ...wheels].flatMap((one) => (one?.hash === undefined ? [] : pairHash(one.hash, file))),
    dependencies,
  }));
  const find = ({ name, version }: { readonly name: string; readonly version?: string | undefined }): string[] =>
    parts.filter((one) => one.name === name && (version === undefined || one.version === version)).map(refOf);
  return {
    file,
    parts: parts.map(({ dependencies, ...part }) => ({ ...part, needs: dependencies.flatMap(find) })),
    direct: parts.filter(({ isLocal }) => isLocal).map(refOf),
  };
}

/** Throws HostError `invalid-message` for a line that pins nothing. */
export function readRequirements(content: string, file: string): Locked {
  const lines = content.replace(/\\\r?\n/g, " ").split("\n");
  const parts = lines.flatMap((line): Part[] => {
    const [pinned = "", ...rest] = line
      .replace(/(?:^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    if (pinned === "") return [];
    const [, name, version] = PINNED.exec(pinned) ?? [];
    const hashes = rest.filter((one) => one.startsWith(HASH)).flatMap((one) => pairHash(one.slice(HASH.length), file));
    if (name === undefined || version === undefined || hashes.length === 0)
      throw badLock(file, 'has a line without name==version and --hash; "uv pip compile --generate-hashes" writes them');
    // As PyPI calls it.
    const known = name.toLowerCase().replace(/[-_.]+/g, "-");
    return [{ ...({ ecosystem: "pypi", version, scope: "required", isLocal: false, needs: [] } as const), name: known, hashes }];
  });
  return { file, parts, direct: parts.map(refOf) };
}

function pairHash(pair: string, file: string): readonly PartHash[] {
  const [name = "", digest = ""] = pair.split(":");
  return [hashOf(name, digest, "hex", file) ?? []].flat();
}
