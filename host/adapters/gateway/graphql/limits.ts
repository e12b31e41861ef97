// How much a document of GraphQL may ask for, counted before it is checked against a schema or anything is called for it: fragments where they are spread,
// since one that is spread twice costs twice.

import { HostError } from "../../../core/errors.ts";
import type { DocumentNode, FragmentDefinitionNode, GraphQLSchema, SelectionSetNode } from "./package.ts";

export const LIMITS = {
  /** Of a request, before it is parsed. */
  bodyBytes: 16_384,
  /** Of variables and whatever else is in the request. */
  values: 4_096,
  valuesDepth: 64,
  tokens: 1_000,
  /** How deep fields may nest. */
  depth: 8,
  /** The same for what is asked of the schema itself, as tools do. */
  schemaDepth: 16,
  /** Of an operation's root: each is a call. */
  rootFields: 20,
  fields: 500,
  /** Of the schema itself that are told, at most, which takes some 100 ms in which nobody else has a turn. */
  schemaValues: 150_000,
  /** Of all that is selected, with fragments that select nothing. */
  selections: 2_000,
  errors: 10,
} as const;

const SCHEMA_FIELDS: ReadonlySet<string> = new Set(["__schema", "__type"]);

/** How long the lists of a schema are, all of a kind together, by the fields that tell them. */
export type ListSizes = ReadonlyMap<string, number>;

export function listSizesOf(schema: GraphQLSchema): ListSizes {
  const [types, directives] = [Object.values(schema.getTypeMap()), schema.getDirectives()];
  const members = types.flatMap((type) => ("getFields" in type ? Object.values<object>(type.getFields()) : []));
  const fields = members.filter((member) => "args" in member) as readonly { readonly args: readonly unknown[] }[];
  const values = types.flatMap((type) => ("getValues" in type ? type.getValues() : []));
  const args = [...fields, ...directives].reduce((sum, { args: own }) => sum + own.length, 0);
  return new Map([
    ["types", types.length],
    ["directives", directives.length],
    ["fields", fields.length],
    ["inputFields", members.length - fields.length],
    ["enumValues", values.length],
    ["args", args],
    ["interfaces", 0],
    ["possibleTypes", 0],
  ]);
}

/** Throws HostError `invalid-message` with the limit. Every operation and every fragment is counted, whichever is asked for: all of them are checked. */
export function requireWithin({ definitions }: DocumentNode, sizes: ListSizes): void {
  const named = definitions.filter((one) => one.kind === "FragmentDefinition");
  const fragments = new Map(named.map((one) => [one.name.value, one]));
  // Else what is counted could be one, and what is spread the other.
  if (fragments.size < named.length) throw new HostError("invalid-message", "two fragments of the query have the same name");
  for (const definition of definitions) {
    if (definition.kind !== "OperationDefinition" && definition.kind !== "FragmentDefinition") continue;
    // How deep a fragment stands is known where it is spread.
    const depth = definition.kind === "OperationDefinition" ? 1 : Number.NEGATIVE_INFINITY;
    new Count(fragments, sizes).selections(definition.selectionSet, { depth, schemaDepth: 0, times: 1, through: new Set() });
  }
}

interface Place {
  readonly depth: number;
  /** 0 outside of what asks for the schema. */
  readonly schemaDepth: number;
  /** How often it is told at most. */
  readonly times: number;
  /** Fragments that led here. */
  readonly through: ReadonlySet<string>;
}

type Counted = "fields" | "rootFields" | "schemaValues" | "selections";

class Count {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #of: Record<Counted, number> = { fields: 0, rootFields: 0, schemaValues: 0, selections: 0 };
  readonly #sizes: ListSizes;

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>, sizes: ListSizes) {
    this.#fragments = fragments;
    this.#sizes = sizes;
  }

  selections({ selections }: SelectionSetNode, place: Place): void {
    for (const selection of selections) {
      this.#more("selections", "selections");
      if (selection.kind === "Field") this.#field(selection.name.value, selection.selectionSet, place);
      else if (selection.kind === "InlineFragment") this.selections(selection.selectionSet, place);
      else this.#spread(selection.name.value, place);
    }
  }

  #field(name: string, below: SelectionSetNode | undefined, { depth, schemaDepth, times, through }: Place): void {
    const isSchema = schemaDepth > 0 || SCHEMA_FIELDS.has(name);
    this.#more("fields", "fields");
    if (depth === 1) this.#more("rootFields", "fields of its root");
    if (isSchema) this.#more("schemaValues", "values of the schema itself", times);
    if (isSchema ? schemaDepth >= LIMITS.schemaDepth : depth > LIMITS.depth) throw tooMuch(isSchema ? "schemaDepth" : "depth", "levels");
    if (below === undefined) return;
    const each = isSchema ? (this.#sizes.get(name) ?? times) : 1;
    this.selections(below, { depth: depth + 1, schemaDepth: isSchema ? schemaDepth + 1 : 0, times: each, through });
  }

  #spread(name: string, { through, ...place }: Place): void {
    const fragment = this.#fragments.get(name);
    // That there is none the schema's check says.
    if (fragment === undefined) return;
    if (through.has(name)) throw new HostError("invalid-message", `the fragment ${name} spreads itself`);
    this.selections(fragment.selectionSet, { ...place, through: new Set([...through, name]) });
  }

  #more(key: Counted, what: string, times = 1): void {
    this.#of[key] += times;
    if (this.#of[key] > LIMITS[key]) throw tooMuch(key, what);
  }
}

const tooMuch = (key: keyof typeof LIMITS, what: string): HostError =>
  new HostError(
    "invalid-message",
    `the query has more than ${LIMITS[key]} ${what}, which is the limit; fragments count where they are spread`,
  );
