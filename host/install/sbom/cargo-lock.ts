// Reads Cargo.lock.

import { z } from "zod";
import { parseTomlText } from "../../manifest/structured-file.ts";
import { checkedLock, hashOf, type Locked, refOf, text } from "./parts.ts";

const lockSchema = z.object({
  package: z
    .array(
      z.object({ name: text, version: text, source: text.optional(), checksum: text.optional(), dependencies: z.array(text).optional() }),
    )
    .default([]),
});

/** Throws HostError `invalid-message`. */
export function readCargoLock(content: string, file: string): Locked {
  const { package: packages } = checkedLock(lockSchema, parseTomlText(content, file, "invalid-message"), file);
  const parts = packages.map(({ name, version, source, checksum, dependencies = [] }) => ({
    ...({ ecosystem: "cargo", name, version, scope: "required", isLocal: source === undefined } as const),
    hashes: checksum === undefined ? [] : [hashOf("sha256", checksum, "hex", file) ?? []].flat(),
    dependencies,
  }));
  const byName = Map.groupBy(parts, ({ name }) => name);
  // Either a name that is there once, or a name and a version.
  const find = (dependency: string): string[] => {
    const [name = "", version] = dependency.split(" ");
    return (byName.get(name) ?? []).filter((one) => version === undefined || one.version === version).map(refOf);
  };
  return {
    file,
    parts: parts.map(({ dependencies, ...part }) => ({ ...part, needs: dependencies.flatMap(find) })),
    direct: parts.filter(({ isLocal }) => isLocal).map(refOf),
  };
}
