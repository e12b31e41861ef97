// Texts of TypeScript types, put together: unions, intersections and the types of single JSON values.

import { literal, propertyKey } from "./words.ts";

export interface Type {
  readonly text: string;
  /** Needs brackets beside an operator. */
  readonly isCompound?: boolean;
  /** How many types a compiler makes of it that it compares one by one, once all is written; 1 if absent. */
  readonly alternatives?: () => number;
}

export const UNKNOWN: Type = { text: "unknown" };
export const NEVER: Type = { text: "never" };

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const alternativesOf = ({ alternatives }: Type): number => alternatives?.() ?? 1;

export const bracketed = ({ text, isCompound = false }: Type): string => (isCompound ? `(${text})` : text);

export function union(types: readonly Type[]): Type {
  const texts = new Set(types.map(({ text }) => text));
  if (texts.has("unknown")) return UNKNOWN;
  texts.delete("never");
  const [only = NEVER] = types.filter(({ text }) => texts.has(text));
  if (texts.size < 2) return only;
  const alternatives = (): number => types.reduce((sum, one) => sum + alternativesOf(one), 0);
  return { text: [...texts].join(" | "), isCompound: true, alternatives };
}

export function intersection(types: readonly Type[]): Type {
  const known = types.filter(({ text }) => text !== "unknown");
  const [only = UNKNOWN] = known;
  if (known.length < 2) return only;
  const alternatives = (): number => known.reduce((product, one) => product * alternativesOf(one), 1);
  return { text: [...new Set(known.map(bracketed))].join(" & "), isCompound: true, alternatives };
}

/** The type of one JSON value. */
export function literalType(value: unknown): Type {
  if (typeof value === "string") return { text: literal(value) };
  if (Array.isArray(value)) return { text: `readonly [${value.map((one) => literalType(one).text).join(", ")}]`, isCompound: true };
  if (isRecord(value)) {
    const members = Object.entries(value).map(([key, one]) => `readonly ${propertyKey(key)}: ${literalType(one).text}`);
    return { text: members.length === 0 ? "{ readonly [key: string]: never }" : `{ ${members.join("; ")} }` };
  }
  if (typeof value === "number" && !Number.isFinite(value)) return { text: "number" };
  return { text: JSON.stringify(value) };
}
