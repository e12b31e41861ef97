// The TypeScript file that `bulkhead types` writes: types of what there is to call, to hear of and to answer, and a client for the services of each provider. It
// imports nothing and holds no code but the clients, and what reads a plugin's configuration.

import type { Declarations, DeclaredCall } from "../../admin/schemas.ts";
import { effectOf } from "../../manifest/service-traits.ts";
import { keysOf } from "./config-keys.ts";
import { declareTypes } from "./schema-types.ts";
import { camelCase, docComment, Identifiers, literal, pascalCase, propertyKey } from "./words.ts";

const HEAD = `// Made by "bulkhead types" from what plugins and providers declare; edits here are lost.
`;

const CALLERS = `
/** What calls: a host, the context of a native service's call, or in a plugin \`inPlugin(services)\`. */
export interface Caller {
  readonly call: (service: string, input: unknown) => unknown;
}

/** An answer as the caller gives it: at once in a plugin, later elsewhere. */
export type Answer<C extends Caller, T> = ReturnType<C["call"]> extends Promise<unknown> ? Promise<T> : T;

declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** The caller of a plugin, made of \`services\` of @bulkhead/sdk. */
export function inPlugin(services: { readonly call: (service: string, payload: Uint8Array) => Uint8Array }): Caller {
  return {
    call(service, input) {
      const payload = new TextEncoder().encode(input === undefined ? "" : JSON.stringify(input));
      const answer = services.call(service, payload);
      return answer.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(answer));
    },
  };
}
`;

const READER = `
/** What reads a configuration in a plugin: \`readConfig\` of @bulkhead/sdk. */
export type ReadConfig = (kinds: { readonly [key: string]: "string" | "number" | "boolean" | "json" | "any" }) => unknown;
`;

/** Takes no client's member: an object with it would be taken for a promise by whoever awaits it. */
const NO_MEMBER = "then";

interface Sides {
  readonly declared: DeclaredCall;
  readonly input: string;
  readonly output: string;
}

/** Throws HostError for a schema that no types can be made of; see `declareTypes`. */
export function clientFile({ services, events, points, configs }: Declarations): string {
  const identifiers = new Identifiers();
  const types: string[] = [];
  const declare = (name: string, side: string, schema: unknown): string => {
    if (schema === undefined) return "unknown";
    const type = identifiers.take(`${pascalCase(name)}${side}`);
    types.push(`\n${declareTypes({ schema, what: `the ${side.toLowerCase()} of ${name}`, name: type }, identifiers)}`);
    return type;
  };
  const sidesOf = (declared: DeclaredCall): Sides => ({
    declared,
    input: declare(declared.name, "Input", declared.input),
    output: declare(declared.name, "Output", declared.output),
  });
  const called = services.map(sidesOf);
  const answered = points.map(sidesOf);
  const heard = events.map(({ type, data }) => `  readonly ${literal(type)}: ${declare(type, "Data", data)};\n`);
  const configured = configs.map(({ plugin, schema }) => {
    const { kinds, schema: keys } = keysOf(schema);
    return { plugin, kinds, type: declare(plugin, "Config", keys) };
  });
  return [
    HEAD,
    called.length === 0 ? "" : CALLERS,
    configured.length === 0 ? "" : READER,
    ...types,
    listOf("Services", "What each service takes and answers.", called.map(typeLine)),
    listOf("Events", "The data of each event.", heard),
    listOf("ExtensionPoints", "What a plugin exports for each extension point that it extends.", answered.map(pointLines)),
    listOf(
      "Configurations",
      "The configuration of each plugin. What has a default is always there.",
      configured.map(({ plugin, type }) => `  readonly ${literal(plugin)}: ${type};\n`),
    ),
    ...configured.map((one) => readerOf(one, identifiers)),
    ...[...Map.groupBy(called, ({ declared: { name } }) => providerOf(name))].map(([provider, ofIt]) =>
      clientOf(provider, ofIt, identifiers),
    ),
  ].join("");
}

const providerOf = (service: string): string => service.split(".", 1)[0] ?? "";

const typeLine = ({ declared: { name }, input, output }: Sides): string => `  readonly ${literal(name)}: ${functionType(input, output)};\n`;

const pointLines = (point: Sides): string => `${docComment(point.declared.description, "  ")}${typeLine(point)}`;

const functionType = (input: string, output: string): string => `(input${input === "unknown" ? "?" : ""}: ${input}) => ${output}`;

const listOf = (name: string, what: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `\n/** ${what} */\nexport interface ${name} {\n${lines.join("")}}\n`;

interface Configured {
  readonly plugin: string;
  readonly kinds: ReturnType<typeof keysOf>["kinds"];
  readonly type: string;
}

function readerOf({ plugin, kinds, type }: Configured, identifiers: Identifiers): string {
  const keys = [...kinds].map(([key, kind]) => ` ${propertyKey(key)}: "${kind}",`);
  return `
/** The configuration of ${plugin}, in the plugin itself. */
export function ${identifiers.take(`${camelCase(plugin)}Config`)}(read: ReadConfig): ${type} {
  return read({${keys.join("").replace(/,$/, " ")}} as const) as ${type};
}
`;
}

/** What a call does stands first, where a long description cannot push it out. */
function saidOf({ description, ...declared }: DeclaredCall): string | undefined {
  const effect = effectOf(declared);
  return effect === undefined ? description : `(${effect}) ${description ?? ""}`;
}

function clientOf(provider: string, services: readonly Sides[], identifiers: Identifiers): string {
  const type = identifiers.take(`${pascalCase(provider)}Client`);
  const members = new Identifiers(NO_MEMBER);
  const named = services.map((service) => ({
    ...service,
    member: members.take(camelCase(service.declared.name.slice(provider.length + 1))),
  }));
  const signatures = named.map(
    ({ declared, member, input, output }) =>
      `${docComment(saidOf(declared), "  ")}  readonly ${member}: ${functionType(input, `Answer<C, ${output}>`)};\n`,
  );
  const calls = named.map(
    ({ declared: { name }, member, output }) => `    ${member}: (input) => caller.call(${literal(name)}, input) as Answer<C, ${output}>,\n`,
  );
  const make = identifiers.take(camelCase(provider));
  return `
export interface ${type}<C extends Caller> {
${signatures.join("")}}

export function ${make}<C extends Caller>(caller: C): ${type}<C> {
  return {
${calls.join("")}  };
}
`;
}
