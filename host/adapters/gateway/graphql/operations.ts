// GraphQL for principals: each sees a schema of the services that it may call. One field of a root is one call, and nothing is called before all of the request is counted and checked.

import { isRecord } from "../../../bounds/json-schema/words.ts";
import type { HostError } from "../../../core/errors.ts";
import type { AdapterCall, AdapterContext, Principal } from "../../../seams.ts";
import { Documents } from "../documents.ts";
import { answerOf, NOTHING, payloadOf, ToldBytes } from "./answers.ts";
import { RefusedRequest, type ToldError, toldError } from "./errors.ts";
import { serviceFields, sharedFields } from "./fields.ts";
import { forbiddenService } from "./forbidden.ts";
import { LIMITS, type ListSizes, listSizesOf, requireWithin } from "./limits.ts";
import type { DocumentNode, GraphQLPackage, GraphQLSchema, OperationDefinitionNode } from "./package.ts";
import type { GraphQLRequest } from "./request.ts";
import { type Resolvers, SchemaBuilder } from "./schema.ts";
import { EVENT_OF_MARKS, EventTemplate, type SubscriptionQuery, subscriptionQuery } from "./subscription.ts";

export interface GraphQLPorts {
  readonly graphql: GraphQLPackage;
  readonly context: Pick<AdapterContext, "call" | "catalog" | "clock" | "log">;
}

/** A request that was counted and checked. */
export interface Operation {
  readonly kind: "query" | "mutation" | "subscription";
  /** Whether it asks for nothing but the schema. */
  readonly callsNobody: boolean;
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly request: GraphQLRequest;
}

interface KnownSchema {
  readonly schema: GraphQLSchema;
  readonly sizes: ListSizes;
}

/** How its services are called. */
export interface Asking extends Pick<AdapterCall, "traceparent" | "timeoutMs" | "signal"> {
  readonly principal: Principal;
}

export interface Answer {
  /** Left out where nothing was called. */
  readonly data?: unknown;
  readonly errors?: readonly ToldError[];
}

/** Names that services would share and the log has told of. */
const MAX_TOLD_NAMES = 1_000;

export class GraphQLOperations {
  readonly #ports: GraphQLPorts;
  readonly #schemas: Documents<KnownSchema>;
  readonly #builder: SchemaBuilder;
  readonly #toldNames = new Set<string>();

  constructor(ports: GraphQLPorts) {
    this.#ports = ports;
    this.#schemas = new Documents(ports.context.catalog);
    this.#builder = new SchemaBuilder(ports.graphql);
  }

  /** Rejects with RefusedRequest, and with HostError `permission-denied` for what the principal may not call, which its schema does not have. */
  async prepare(principal: Principal, request: GraphQLRequest): Promise<Operation> {
    const { graphql, context } = this.#ports;
    const { schema, sizes } = this.#schemaOf(principal);
    const document = this.#parsed(request.query, sizes);
    const errors = graphql.validate(schema, document, graphql.specifiedRules, { maxErrors: LIMITS.errors, hideSuggestions: true });
    if (errors.length > 0) {
      const forbidden = forbiddenService({ principal, schema, document }, context.catalog.services);
      // The gate refuses it, and writes that down.
      if (forbidden !== undefined) await context.call(principal, { service: forbidden, payload: NOTHING });
      throw this.#refused(errors);
    }
    const operation = graphql.getOperationAST(document, request.operationName);
    if (!operation) throw this.#refused([{ message: "name one of the operations of the query as operationName" }]);
    const { operation: kind } = operation;
    return { kind, schema, document, request, callsNobody: kind === "query" && asksForSchemaOnly(operation) };
  }

  async execute(operation: Operation, asking: Asking): Promise<Answer> {
    const { context } = this.#ports;
    const told = new ToldBytes(operation.document);
    const { timeoutMs, principal, ...rest } = asking;
    const endsAt = timeoutMs === undefined ? undefined : context.clock.monotonicMs() + timeoutMs;
    const resolvers: Resolvers = {
      ask: async (field, given, selected) => {
        const left = endsAt === undefined ? undefined : Math.max(1, Math.ceil(endsAt - context.clock.monotonicMs()));
        const payload = payloadOf(field, given);
        const answer = answerOf(await context.call(principal, { ...rest, service: field.service, payload, timeoutMs: left }), field);
        for (const one of selected) told.take(answer, one);
        return answer;
      },
      follow: () => null,
    };
    const { data, errors } = await this.#run(operation, resolvers);
    return {
      ...(data !== undefined && { data }),
      ...(errors !== undefined && { errors: errors.map((error) => toldError(error, context.log)) }),
    };
  }

  /** Of a subscription. Throws RefusedRequest. */
  async follow(operation: Operation): Promise<SubscriptionQuery & { readonly template: EventTemplate }> {
    let given: Readonly<Record<string, unknown>> = {};
    const follow = (asked: Readonly<Record<string, unknown>>): unknown => {
      given = asked;
      return EVENT_OF_MARKS;
    };
    const { data, errors = [] } = await this.#run(operation, { follow, ask: async () => null });
    if (errors.length > 0) throw this.#refused(errors);
    try {
      return { ...subscriptionQuery(given), template: new EventTemplate(data ?? {}) };
    } catch (thrown) {
      throw this.#refused([thrown as HostError]);
    }
  }

  /** As a request is refused for this. */
  #refused(errors: ConstructorParameters<typeof RefusedRequest>[0]): RefusedRequest {
    return new RefusedRequest(errors, this.#ports.context.log);
  }

  #parsed(query: string, sizes: ListSizes): DocumentNode {
    try {
      const document = this.#ports.graphql.parse(query, { maxLexicalTokens: LIMITS.tokens, maxComments: LIMITS.tokens });
      requireWithin(document, sizes);
      return document;
    } catch (thrown) {
      throw this.#refused([thrown as Error]);
    }
  }

  #schemaOf(principal: Principal): KnownSchema {
    const { catalog } = this.#ports.context;
    return this.#schemas.get("graphql", principal, ({ services }) => {
      const shared = sharedFields(catalog.services);
      this.#tell(shared);
      const { fields, truncated } = serviceFields(services, new Set(shared.keys()));
      const schema = this.#builder.build(fields, truncated && `${truncated.message}: ${truncated.names.join(", ")}`);
      return { schema, sizes: listSizesOf(schema) };
    });
  }

  #tell(shared: ReadonlyMap<string, readonly string[]>): void {
    for (const [field, services] of shared) {
      if (this.#toldNames.has(field) || this.#toldNames.size >= MAX_TOLD_NAMES) continue;
      this.#toldNames.add(field);
      const message = `GraphQL has no field ${field}, which ${services.slice(0, 3).join(" and ")} would share; they can be called over REST`;
      this.#ports.context.log.write({ level: "warning", plugin: "host", message });
    }
  }

  async #run({ schema, document, request }: Operation, contextValue: Resolvers) {
    return this.#ports.graphql.execute({
      ...{ schema, document, contextValue, hideSuggestions: true },
      operationName: request.operationName,
      variableValues: request.variables,
      fieldResolver: (source: unknown, _given, _context, { fieldName }) =>
        isRecord(source) && Object.hasOwn(source, fieldName) ? source[fieldName] : null,
      options: { maxCoercionErrors: LIMITS.errors },
    });
  }
}

const asksForSchemaOnly = ({ selectionSet }: OperationDefinitionNode): boolean =>
  selectionSet.selections.every((one) => one.kind === "Field" && one.name.value.startsWith("__"));
