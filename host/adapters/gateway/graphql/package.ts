// The reference implementation of GraphQL, an optional peer: loaded when a door speaks it.

import { HostError } from "../../../core/errors.ts";

export const GRAPHQL_PACKAGE = { name: "graphql", range: "^17.1.0" } as const;

export type {
  DocumentNode,
  FragmentDefinitionNode,
  GraphQLFieldConfig,
  GraphQLInputType,
  GraphQLNullableInputType,
  GraphQLNullableOutputType,
  GraphQLObjectType,
  GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
  ValueNode,
} from "graphql";

export type GraphQLPackage = typeof import("graphql");

/** Rejects with HostError `invalid-message` and the command that installs it. */
export async function loadGraphQL(): Promise<GraphQLPackage> {
  try {
    return await import("graphql");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const { name, range } = GRAPHQL_PACKAGE;
    throw new HostError("invalid-message", `GraphQL needs the package ${name}, which is not installed: npm install "${name}@${range}"`, {
      cause,
    });
  }
}
