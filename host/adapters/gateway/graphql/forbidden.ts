// Of a query that the schema of its principal does not have: whether that is because of what the principal may not call.

import { isDottedName } from "../../../core/names.ts";
import type { CatalogService, Principal } from "../../../seams.ts";
import { fieldOf } from "./fields.ts";
import type { DocumentNode, GraphQLSchema } from "./package.ts";

export interface AskedFields {
  readonly principal: Principal;
  /** As the principal sees it. */
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
}

/**
 * The first service asked for that the principal may call in no case, whether there is such a one or not. Undefined where there is none, and where it might call what is
 * no field.
 */
export function forbiddenService({ principal, schema, document }: AskedFields, services: readonly CatalogService[]): string | undefined {
  const unknown = document.definitions.flatMap((definition) => {
    if (definition.kind !== "OperationDefinition") return [];
    const fields = schema.getRootType(definition.operation)?.getFields() ?? {};
    return definition.selectionSet.selections.flatMap((one) =>
      one.kind === "Field" && !(one.name.value in fields) ? [one.name.value] : [],
    );
  });
  return unknown.map((field) => serviceOf(field, services)).find((name) => isDottedName(name) && !mayCall(principal, name));
}

/** Of a field that no service has, what it may be meant for. */
const serviceOf = (field: string, services: readonly CatalogService[]): string =>
  services.find(({ name }) => fieldOf(name) === field)?.name ?? field.replaceAll("_", ".");

const mayCall = (principal: Principal, name: string): boolean =>
  principal.allows("services.call", name) || principal.allows("services.read", name);
