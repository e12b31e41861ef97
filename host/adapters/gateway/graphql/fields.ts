// Services as fields of GraphQL's root types: a pure projection in which everything that a stranger wrote is data, and bounded.

import type { CatalogService } from "../../../seams.ts";
import { DocumentBudget, type Truncated } from "../budget.ts";
import { visibleText } from "../text.ts";
import { fits, JSON_MEMBER, type Member, memberOf, TEXT, TypeNames } from "./shapes.ts";

/** A service as a field, with what a call of it needs. */
export interface ServiceField extends Pick<CatalogService, "consumes" | "produces" | "deprecated" | "readOnly"> {
  readonly service: string;
  readonly field: string;
  readonly description: string | undefined;
  readonly arguments: Readonly<Record<string, Member>>;
  /** How the arguments become the input. */
  readonly input: "members" | "whole";
  readonly output: Member;
}

export interface ServiceFields {
  readonly fields: readonly ServiceField[];
  /** What is no field because there is no room for it. */
  readonly truncated: Truncated | undefined;
}

/** Of all that the fields and their types say, as JSON: what is more costs everybody who reads the schema. */
export const MAX_SCHEMA_BYTES: number = 256 * 1_024;

/** What a field is called: segments of service names have no underscore, so that it says where they were. */
export const fieldOf = (service: string): string => service.replace(/[.-]/g, "_");

/** Names that several of the services would have, with those. */
export function sharedFields(services: readonly CatalogService[]): ReadonlyMap<string, readonly string[]> {
  const byField = new Map<string, string[]>();
  for (const { name } of services.filter((service) => service.public))
    byField.set(fieldOf(name), [...(byField.get(fieldOf(name)) ?? []), name]);
  return new Map([...byField].filter(([, names]) => names.length > 1));
}

/** Of public services whose field is not among `shared`. Plugins share `maxBytes`; a service whose types have no room in them takes and gives JSON. */
export function serviceFields(
  services: readonly CatalogService[],
  shared: ReadonlySet<string>,
  maxBytes: number = MAX_SCHEMA_BYTES,
): ServiceFields {
  const shown = services.filter((service) => service.public && !shared.has(fieldOf(service.name)));
  const providers = [...new Set(shown.map(({ provider }) => provider))].sort();
  const budget = new DocumentBudget(maxBytes, providers.length, []);
  const names = new TypeNames();
  const fields: ServiceField[] = [];
  for (const provider of providers) {
    budget.next();
    const own = shown.filter((service) => service.provider === provider && budget.takes(service.name, plainField(service)));
    for (const service of own) {
      // What is said of types is longer than the schemas, which need not be looked at then.
      const described = budget.hasRoomFor([service.input, service.output]) ? describedField(service, names) : undefined;
      fields.push(described !== undefined && budget.takesIfThereIsRoom(described) ? described : plainField(service));
    }
  }
  return { fields, truncated: budget.truncated };
}

function describedField(service: CatalogService, names: TypeNames): ServiceField {
  const { name, description, input, output, consumes, produces } = service;
  const plain = plainField(service);
  const given = consumes === undefined && input !== undefined ? memberOf(input, `${plain.field}_Input`, names) : undefined;
  return {
    ...plain,
    description: description === undefined || description === "" ? undefined : visibleText(description),
    ...(given !== undefined && argumentsOf(given)),
    ...(produces === undefined && output !== undefined && { output: nullable(memberOf(output, `${fieldOf(name)}_Output`, names)) }),
  };
}

/** Whoever gives nothing sends nothing, of which the plugin's cell makes what it makes; only where it is certain to refuse that something must be given. */
const argumentsOf = (given: Member): Pick<ServiceField, "arguments" | "input"> =>
  given.shape.kind === "object"
    ? { arguments: given.shape.members, input: "members" }
    : { arguments: { input: given.shape.kind === "scalar" && given.shape.name === "JSON" ? nullable(given) : given }, input: "whole" };

const BASE64: Member = { shape: TEXT, isRequired: true, description: "base64" };

/** A field of the service whose types say nothing. */
function plainField({ name, consumes, produces, deprecated, readOnly }: CatalogService): ServiceField {
  return {
    ...{ service: name, field: fieldOf(name), description: undefined, consumes, produces, deprecated, readOnly },
    arguments: { input: consumes === undefined ? JSON_MEMBER : BASE64 },
    input: "whole",
    output: produces === undefined ? JSON_MEMBER : nullable(BASE64),
  };
}

/** One call that fails takes nothing from the others. */
const nullable = (member: Member): Member => ({ ...member, isRequired: false });

/** Whether what a service answered is what its field says. */
export const isAnswer = (value: unknown, { output }: ServiceField): boolean => fits(value, output);
