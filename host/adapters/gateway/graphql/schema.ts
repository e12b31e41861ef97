// Fields of services, and the subscription to events, as a schema of the package `graphql`. What becomes of them is their resolvers' business.

import type { ServiceField } from "./fields.ts";
import type {
  GraphQLFieldConfig,
  GraphQLInputType,
  GraphQLNullableInputType,
  GraphQLNullableOutputType,
  GraphQLObjectType,
  GraphQLOutputType,
  GraphQLPackage,
  GraphQLScalarType,
  GraphQLSchema,
  SelectionSetNode,
  ValueNode,
} from "./package.ts";
import type { Member, Shape } from "./shapes.ts";

type Given = Readonly<Record<string, unknown>>;

/** What answers the fields of the root types. */
export interface Resolvers {
  /** Asks a service; `selected` is what is wanted of its answer. */
  ask(field: ServiceField, given: Given, selected: readonly (SelectionSetNode | undefined)[]): Promise<unknown>;
  /** Follows events. */
  follow(given: Given): unknown;
}

/** The fields of an event, with what they are. */
export const EVENT_FIELDS = {
  id: "Of the event, as its publisher's host gave it.",
  source: "Who published it, such as /plugins/devices.",
  type: "Such as devices.state-changed.",
  time: "RFC 3339, in UTC.",
  contentType: "Of its data.",
  data: "JSON as it was published; of another content type the bytes, as base64.",
  position: "What to give as `after` to go on behind it.",
  traceparent: "Of the trace that it was published in.",
} as const;

export type EventField = keyof typeof EVENT_FIELDS;

export class SchemaBuilder {
  readonly #graphql: GraphQLPackage;
  readonly #json: GraphQLScalarType;

  constructor(graphql: GraphQLPackage) {
    this.#graphql = graphql;
    this.#json = new graphql.GraphQLScalarType({
      name: "JSON",
      description: "Any value of JSON.",
      coerceInputValue: (value) => value,
      coerceInputLiteral: (literal) => jsonIn(graphql, literal),
    });
  }

  /** `notice` is told to whoever reads the schema. */
  build(fields: readonly ServiceField[], notice: string | undefined): GraphQLSchema {
    const { GraphQLObjectType, GraphQLSchema } = this.#graphql;
    const root = (name: string, of: readonly ServiceField[], description: string) =>
      new GraphQLObjectType({ name, description, fields: Object.fromEntries(of.map((field) => [field.field, this.#field(field)])) });
    const reads = fields.filter(({ readOnly }) => readOnly);
    const others = fields.filter(({ readOnly }) => !readOnly);
    const told = notice === undefined ? "" : ` ${notice}`;
    return new GraphQLSchema({
      query: reads.length > 0 ? root("Query", reads, `Services that only read.${told}`) : this.#noQuery(told),
      mutation: others.length > 0 ? root("Mutation", others, `Services that may change something.${told}`) : null,
      subscription: this.#subscription(),
      // Every name and type in it was made to be valid (test/adapters/gateway/graphql-schema.test.ts); checking it again costs as much as making it.
      assumeValid: true,
    });
  }

  /** A schema has a query, whatever there is. */
  #noQuery(told: string): GraphQLObjectType {
    const { GraphQLObjectType, GraphQLBoolean } = this.#graphql;
    const fields = {
      none: { type: GraphQLBoolean, description: "Always null: no service that you may call only reads.", resolve: () => null },
    };
    return new GraphQLObjectType({ name: "Query", description: `There is nothing to query.${told}`, fields });
  }

  #subscription(): GraphQLObjectType {
    const { GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLString } = this.#graphql;
    const text = new GraphQLNonNull(GraphQLString);
    const members = Object.entries(EVENT_FIELDS).map(([name, description]) => [
      name,
      { type: name === "data" ? this.#json : text, description },
    ]);
    const event = new GraphQLObjectType({ name: "Event", description: "Something that happened.", fields: Object.fromEntries(members) });
    const events: GraphQLFieldConfig<unknown, Resolvers> = {
      type: event,
      description: "Events as they come, of types that you may hear of; null with extensions.gap where some are missing.",
      args: {
        types: { type: new GraphQLList(text), description: "Patterns of types, one of which must match; all types if left out." },
        source: { type: GraphQLString, description: "Who published it." },
        filter: { type: this.#json, description: 'Conditions that must all hold, such as {"data.unit": ["K"]}.' },
        after: { type: GraphQLString, description: "The position of the event behind which to go on." },
      },
      resolve: (_source, given, { follow }) => follow(given),
    };
    return new GraphQLObjectType({ name: "Subscription", fields: { events } });
  }

  #field(field: ServiceField): GraphQLFieldConfig<unknown, Resolvers> {
    const { GraphQLNonNull } = this.#graphql;
    const args = Object.entries(field.arguments).map(([name, member]) => {
      const type = this.#input(member.shape);
      return [name, { type: member.isRequired ? new GraphQLNonNull(type) : type, ...descriptionOf(member) }];
    });
    return {
      type: this.#output(field.output.shape),
      args: Object.fromEntries(args),
      ...descriptionOf(field),
      ...(field.deprecated && { deprecationReason: "its plugin says so" }),
      resolve: (_source, given, { ask }, { fieldNodes }) =>
        ask(
          field,
          given,
          fieldNodes.map(({ selectionSet }) => selectionSet),
        ),
    };
  }

  #output(shape: Shape): GraphQLNullableOutputType {
    const { GraphQLList, GraphQLNonNull, GraphQLObjectType } = this.#graphql;
    const of = ({ shape: inner, isRequired }: Member): GraphQLOutputType =>
      isRequired ? new GraphQLNonNull(this.#output(inner)) : this.#output(inner);
    if (shape.kind === "list") return new GraphQLList(of(shape.of));
    if (shape.kind !== "object") return this.#leaf(shape);
    const fields = Object.entries(shape.members).map(([name, member]) => [name, { type: of(member), ...descriptionOf(member) }]);
    return new GraphQLObjectType({ name: shape.name, fields: Object.fromEntries(fields) });
  }

  #input(shape: Shape): GraphQLNullableInputType {
    const { GraphQLInputObjectType, GraphQLList, GraphQLNonNull } = this.#graphql;
    const of = ({ shape: inner, isRequired }: Member): GraphQLInputType =>
      isRequired ? new GraphQLNonNull(this.#input(inner)) : this.#input(inner);
    if (shape.kind === "list") return new GraphQLList(of(shape.of));
    if (shape.kind !== "object") return this.#leaf(shape);
    const fields = Object.entries(shape.members).map(([name, member]) => [name, { type: of(member), ...descriptionOf(member) }]);
    return new GraphQLInputObjectType({ name: shape.name, fields: Object.fromEntries(fields) });
  }

  #leaf(shape: Extract<Shape, { kind: "scalar" | "enum" }>): GraphQLNullableOutputType & GraphQLNullableInputType {
    const { GraphQLBoolean, GraphQLEnumType, GraphQLFloat, GraphQLInt, GraphQLString } = this.#graphql;
    if (shape.kind === "enum")
      return new GraphQLEnumType({ name: shape.name, values: Object.fromEntries(shape.values.map((value) => [value, { value }])) });
    return { String: GraphQLString, Int: GraphQLInt, Float: GraphQLFloat, Boolean: GraphQLBoolean, JSON: this.#json }[shape.name];
  }
}

const descriptionOf = ({ description }: { readonly description?: string | undefined }): { readonly description?: string } =>
  description === undefined ? {} : { description };

/** A literal of the scalar JSON; undefined, which is refused, for one with the key that could reach behind what it is copied into. */
function jsonIn(graphql: GraphQLPackage, literal: ValueNode): unknown {
  const value = graphql.valueFromASTUntyped(literal);
  return hasProto(literal) ? undefined : value;
}

const hasProto = (literal: ValueNode): boolean => {
  if (literal.kind === "ListValue") return literal.values.some(hasProto);
  return literal.kind === "ObjectValue" && literal.fields.some(({ name, value }) => name.value === "__proto__" || hasProto(value));
};
