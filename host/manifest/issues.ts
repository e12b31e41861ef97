// What a schema found wrong, as lines for people: where it is, what stands there, and what to write instead.

import { z } from "zod";
import { printable } from "../core/names.ts";
import { lineOf } from "./places.ts";
import { didYouMean } from "./suggest.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What is wrong, and where in a value it is. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** What was checked. */
export interface Checked {
  readonly input: unknown;
  /** Knows which keys there could be. */
  readonly schema?: z.ZodType;
  /** The JSON text that `input` was made of, with its file's name for people: lines are named then. */
  readonly source?: { readonly file: string; readonly text: string };
}

/** Finding the line of each takes a walk over the text, and a stranger's text may have as many faults as it has bytes. */
const MAX_DESCRIBED = 20;

/** One line an issue; of very many the first 20 and how many more there are. */
export const describeIssues = (error: z.ZodError, checked: Checked): string => describeFindings(findingsIn(error), checked);

/** As `describeIssues`. */
export function describeFindings(findings: readonly Finding[], checked: Checked): string {
  const lines = findings.slice(0, MAX_DESCRIBED).map((finding) => describeFinding(withSuggestion(finding, checked.schema), checked));
  return [...lines, ...(findings.length > MAX_DESCRIBED ? [`and ${findings.length - MAX_DESCRIBED} more`] : [])].join("\n");
}

/** Such as `plugin.json:12: services.a.b.entryPoint ("x y"): write …`. */
function describeFinding({ path, message }: Finding, { input, source }: Pick<Checked, "input" | "source">): string {
  const place = source === undefined ? "" : `${source.file}:${lineOf(source.text, path)}: `;
  return `${place}${path.length === 0 ? "the file" : path.join(".")}${shownAt(input, path)}: ${message}`;
}

const findingsIn = (error: z.ZodError): readonly Raw[] => error.issues.flatMap((issue) => findingsOf(issue, []));

interface Raw extends Finding {
  /** A key that is not known, of the object at `path`'s parent. */
  readonly unknown?: string;
}

function withSuggestion({ path, message, unknown }: Raw, schema: z.ZodType | undefined): Finding {
  if (unknown === undefined || schema === undefined) return { path, message };
  return { path, message: `${message}${didYouMean(unknown, keysOf(schema, path.slice(0, -1)))}` };
}

function findingsOf(issue: Issue, base: Path): readonly Raw[] {
  const path = [...base, ...issue.path];
  if (issue.code === "invalid_union") return findingsOfUnion(issue.errors, path, issue.message);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: [...path, key], message: "there is no such key", unknown: key }));
  // Of a bad key zod says only that it is bad; why stands inside.
  const message = (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message;
  return [{ path, message }];
}

// The form that was meant is the one whose kind of value it is; when there is none, all that would do are named.
function findingsOfUnion(branches: readonly (readonly Issue[])[], path: Path, message: string): readonly Raw[] {
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

/** The keys of the object that the schema has at `path`; none when it cannot be followed there. */
function keysOf(schema: z.ZodType, path: Path): readonly string[] {
  const inner = unwrapped(schema);
  const [key, ...rest] = path;
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => keysOf(option as z.ZodType, path));
  if (inner instanceof z.ZodObject) {
    if (key === undefined) return Object.keys(inner.shape);
    const next: unknown = inner.shape[String(key)];
    return next instanceof z.ZodType ? keysOf(next, rest) : [];
  }
  if (key === undefined) return [];
  if (inner instanceof z.ZodRecord) return keysOf(inner.valueType as z.ZodType, rest);
  return inner instanceof z.ZodArray ? keysOf(inner.element as z.ZodType, rest) : [];
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return unwrapped(schema.unwrap() as z.ZodType);
  return schema;
}
