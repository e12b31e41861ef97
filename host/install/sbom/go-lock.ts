// Reads go.mod, which since Go 1.17 names every module, and go.sum with their hashes.

import { badLock, hashOf, type Locked, type Part, refOf } from "./parts.ts";

const REQUIRE = /^(?:require\s+)?(\S+)\s+(v\S+)(\s*\/\/ indirect.*)?(?:\s*\/\/.*)?$/;
const REPLACE = /^(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\S+)(?:\s+(v\S+))?$/;
const SUM = /^(\S+) (\S+) h1:(\S+)$/;

/** Throws HostError `invalid-message`. `sums` is undefined where there is no go.sum. */
export function readGoLock(content: string, sums: string | undefined, file: string): Locked {
  const { requires, replaced } = directivesOf(content, file);
  const hashes = sumsOf(sums ?? "", file.replace(/go\.mod$/, "go.sum"));
  const all = requires.map(({ name: asked, version: wanted, isDirect }) => {
    const [name, version] = replaced.get(asked) ?? [asked, wanted];
    const isLocal = version === undefined;
    const part: Part = {
      ...({ ecosystem: "golang", name: isLocal ? asked : name, version: version ?? wanted, scope: "required", isLocal } as const),
      hashes: [hashes.get(`${name} ${version}`) ?? []].flat(),
      needs: [],
    };
    return { part, isDirect };
  });
  return {
    file,
    parts: all.map(({ part }) => part),
    direct: all.filter(({ isDirect }) => isDirect).map(({ part }) => refOf(part)),
  };
}

interface Directives {
  readonly requires: { readonly name: string; readonly version: string; readonly isDirect: boolean }[];
  /** By the module's name; without a version for a folder. */
  readonly replaced: Map<string, readonly [name: string, version: string | undefined]>;
}

function directivesOf(content: string, file: string): Directives {
  const found: Directives = { requires: [], replaced: new Map() };
  let block: string | undefined;
  for (const [i, line] of content
    .split("\n")
    .map((one) => one.trim())
    .entries()) {
    const [word = ""] = line.split(/\s/);
    if (line === "" || line.startsWith("//")) continue;
    if (/^\w+ \($/.test(line)) block = word;
    else if (line === ")") block = undefined;
    else if (!take(block ?? word, line, found)) throw badLock(file, `has a line that is not understood, ${i + 1}`);
  }
  return found;
}

/** Whether the line is what its directive wants; those of others do not matter here. */
function take(directive: string, line: string, { requires, replaced }: Directives): boolean {
  if (directive === "require") {
    const [, name, version, indirect] = REQUIRE.exec(line) ?? [];
    if (name === undefined || version === undefined) return false;
    requires.push({ name, version, isDirect: indirect === undefined });
  } else if (directive === "replace") {
    const [, from, to, version] = REPLACE.exec(line.replace(/\s*\/\/.*$/, "")) ?? [];
    if (from === undefined || to === undefined) return false;
    replaced.set(from, [to, version]);
  }
  return true;
}

function sumsOf(content: string, file: string): ReadonlyMap<string, Part["hashes"][number]> {
  const sums = new Map<string, Part["hashes"][number]>();
  for (const [i, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    const [, name, version = "", digest = ""] = SUM.exec(line.trim()) ?? [];
    if (name === undefined) throw badLock(file, `has a line that is not understood, ${i + 1}`);
    const hash = hashOf("sha256", digest, "base64", file);
    if (hash !== undefined && !version.endsWith("/go.mod")) sums.set(`${name} ${version}`, hash);
  }
  return sums;
}
