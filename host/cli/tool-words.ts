// What a plugin says of its services, as lines for the operator to read: all of it, or what is not as it was. Every character shows.

import { visibleText } from "../adapters/gateway/text.ts";
import type { ServiceWords, ToolWords } from "../admin/tool-words.ts";

/** Lines before and after a change. */
const AROUND = 1;

/** All of it when nothing was read before; else what is gone (-), what is there instead (+), and little around it. */
export function describeWords(now: ToolWords, before: ToolWords | undefined): string {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(now)])].sort();
  if (before === undefined) return names.flatMap((name) => linesOf(name, now[name])).join("\n");
  const changed = names.flatMap((name) => differenceOf(linesOf(name, before[name]), linesOf(name, now[name])));
  return changed.length === 0 ? "nothing is said otherwise" : changed.join("\n");
}

function linesOf(name: string, words: ServiceWords | undefined): string[] {
  if (words === undefined) return [];
  const { description, input, output, consumes, produces } = words;
  const traits = [
    words.readOnly ? "only reads" : "changes something",
    ...(words.idempotent && !words.readOnly ? ["twice is once"] : []),
    ...(words.deprecated ? ["deprecated"] : []),
    ...(consumes === undefined ? [] : [`takes ${visibleText(consumes)}`]),
    ...(produces === undefined ? [] : [`answers ${visibleText(produces)}`]),
  ];
  return [
    `${visibleText(name)} (${traits.join(", ")})`,
    ...(description === undefined ? [] : [`  ${visibleText(description)}`]),
    ...schemaLines("input", input),
    ...schemaLines("output", output),
  ];
}

function schemaLines(what: string, schema: unknown): string[] {
  if (schema === undefined) return [];
  const [first = "", ...rest] = JSON.stringify(schema, null, 2).split("\n").map(visibleLine);
  return [`  ${what}: ${first}`, ...rest.map((line) => `  ${line}`)];
}

const visibleLine = (line: string): string => line.slice(0, line.length - line.trimStart().length) + visibleText(line);

function differenceOf(before: readonly string[], now: readonly string[]): string[] {
  const shorter = Math.min(before.length, now.length);
  let same = 0;
  while (same < shorter && before[same] === now[same]) same += 1;
  if (same === before.length && same === now.length) return [];
  let end = 0;
  while (end < shorter - same && before.at(-1 - end) === now.at(-1 - end)) end += 1;
  const [head = ""] = now.length === 0 ? before : now;
  return [
    ...(same > AROUND ? [`  ${head}`] : []),
    ...now.slice(Math.max(0, same - AROUND), same).map((line) => `  ${line}`),
    ...before.slice(same, before.length - end).map((line) => `- ${line}`),
    ...now.slice(same, now.length - end).map((line) => `+ ${line}`),
    ...now.slice(now.length - end, now.length - end + AROUND).map((line) => `  ${line}`),
  ];
}
