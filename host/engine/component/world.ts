// What a component imports and exports, read from the TypeScript declarations that jco writes beside the glue: the one place where it names
// versions and types.

import type { ComponentEntry } from "./bundle.ts";

export type Files = ReadonlyMap<string, Uint8Array>;

/** The entries of a component, `handle` for one of our world, or undefined when nothing of it can be entered. */
export type Entries = "handle" | Readonly<Record<string, ComponentEntry>> | undefined;

const ENTRY_POINTS = "bulkhead:plugin/entry-points@";
const INTERFACE_FILE = /^interfaces\/bulkhead-plugin-[a-z-]+\.d\.ts$/;
const decoder = new TextDecoder();

/** The interfaces that it imports, with their versions. */
export const importsOf = (declarations: string): readonly string[] =>
  membersOf(declarations, "ImportObject").map((line) => /^'([^']+)': typeof/.exec(line)?.[1] ?? line.replace(/[^\w:/@.-].*$/, ""));

/** What of it can be entered: functions of the world and of exported interfaces that take nothing, one text or one list of bytes. */
export function entriesOf(declarations: string, files: Files): Entries {
  const members = membersOf(declarations, "Root");
  if (members.some((line) => line.startsWith(`'${ENTRY_POINTS}`))) return "handle";
  const entries: Record<string, ComponentEntry> = {};
  for (const member of members) {
    const face = /^'([^']+)': typeof/.exec(member)?.[1];
    if (face === undefined) addEntry(entries, member, undefined);
    else for (const line of functionsOf(face, files)) addEntry(entries, line, face);
  }
  return Object.keys(entries).length === 0 ? undefined : entries;
}

/** Every declaration in the component's copy of our interfaces that ours do not have. */
export function mismatches(files: Files, world: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([name, content]) => {
    if (!INTERFACE_FILE.test(name)) return [];
    const known = new Set(statements(world.get(name) ?? ""));
    return statements(decoder.decode(content))
      .filter((line) => !known.has(line))
      .map(
        (line) => `its ${name.slice("interfaces/".length, -".d.ts".length)} has "${line.slice(0, 120)}", which wit/ of this host has not`,
      );
  });
}

function addEntry(entries: Record<string, ComponentEntry>, line: string, face: string | undefined): void {
  const [, name, takes, answers] = /^(\w+)\((?:\w+: (Uint8Array|string))?\): (Uint8Array|string|void)[,;]$/.exec(line) ?? [];
  if (name === undefined || answers === undefined || Object.hasOwn(entries, name)) return;
  entries[name] = { face, takes: takes === undefined ? "nothing" : takes === "string" ? "text" : "bytes" };
}

function functionsOf(face: string, files: Files): readonly string[] {
  const [bare = ""] = face.split("@");
  const content = files.get(`interfaces/${bare.replaceAll(/[:/]/g, "-")}.d.ts`);
  return statements(decoder.decode(content))
    .filter((line) => line.startsWith("export function "))
    .map((line) => line.slice("export function ".length));
}

function membersOf(declarations: string, name: string): readonly string[] {
  const block = new RegExp(`^export interface ${name} \\{\\n([^}]*)^\\}`, "m").exec(declarations)?.[1] ?? "";
  return statements(block);
}

/** Lines without comments, and without the promises of functions that may suspend. */
const statements = (text: string): string[] =>
  text
    .replaceAll(/\/\*.*?\*\//gs, "")
    .split("\n")
    .map((line) => line.trim().replace(/: Promise<(.*)>([;,])$/, ": $1$2"))
    .filter((line) => line !== "");
