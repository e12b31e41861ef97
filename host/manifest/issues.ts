// What a schema found wrong, as lines for people: where it is, what stands there, and what to write instead.

import type { z } from "zod";
import { printable } from "../core/names.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** One line an issue. `input` is what was checked. */
export function describeIssues(error: z.ZodError, input: unknown): string {
  return error.issues
    .flatMap((issue) => findingsOf(issue, []))
    .map(({ path, message }) => `${path.length === 0 ? "the file" : path.join(".")}${shownAt(input, path)}: ${message}`)
    .join("\n");
}

function findingsOf(issue: Issue, base: Path): readonly Finding[] {
  const path = [...base, ...issue.path];
  if (issue.code === "invalid_union") return findingsOfUnion(issue.errors, path, issue.message);
  // Of a bad key zod says only that it is bad; why stands inside.
  const message = (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message;
  return [{ path, message }];
}

// The form that was meant is the one whose kind of value it is; when there is none, all that would do are named.
function findingsOfUnion(branches: readonly (readonly Issue[])[], path: Path, message: string): readonly Finding[] {
  const meant = branches.filter((issues) => !issues.some(isOtherKind)).toSorted((a, b) => a.length - b.length)[0];
  if (meant !== undefined) return meant.flatMap((issue) => findingsOf(issue, path));
  const shapes = [...new Set(branches.flatMap((issues) => issues.filter(isOtherKind)).map(shapeOf))];
  return [{ path, message: shapes.length === 0 ? message : `write ${shapes.join(", or ")}` }];
}

const isOtherKind = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === "invalid_type" || code === "invalid_value" || code === "invalid_union");

const KINDS: Readonly<Record<string, string>> = { array: "a list", object: "an object", record: "an object", int: "a whole number" };

function shapeOf(issue: Issue): string {
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value)).join(", ");
  return issue.code === "invalid_type" ? (KINDS[issue.expected] ?? `a ${issue.expected}`) : issue.message;
}

function shownAt(input: unknown, path: Path): string {
  const value = path.reduce<unknown>(
    (inside, key) => (typeof inside === "object" && inside !== null && Object.hasOwn(inside, key) ? Reflect.get(inside, key) : undefined),
    input,
  );
  if (typeof value === "object" || value === undefined) return "";
  return ` (${typeof value === "string" ? `"${printable(value)}"` : String(value)})`;
}
