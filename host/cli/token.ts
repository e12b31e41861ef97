// `bulkhead token create | list | revoke`: what programs show at the host's doors to be known by.

import { type Command, InvalidArgumentError } from "commander";
import type { TokenInfo } from "../admin/tokens.ts";
import { durationMs } from "../bounds/durations.ts";
import type { Grant } from "../core/types.ts";
import { parseScope } from "../manifest/auth.ts";
import { openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface CreateOptions extends JsonOptions {
  readonly role: readonly string[];
  readonly scope: readonly Grant[];
  /** Undefined: never. */
  readonly expires: number | undefined;
}

const DEFAULT_EXPIRY = "90d";

export function addToken(program: Command): void {
  const token = program.command("token").description("tokens with which programs come by the host's doors, such as HTTP");
  withDataOptions(token.command("create").description("make a token; it is printed once, and nobody can see it again"))
    .argument("<name>", "what it is called in the audit log, such as ci")
    .option("-r, --role <role>", "viewer, operator, admin or one of auth.roles; may be given often", collect, [])
    .option("-s, --scope <permission:resource>", "only this, such as services.call:devices.*; may be given often", collectScope, [])
    .option("-e, --expires <time>", "such as 12h, 30d, 8w, or never", parseExpiry, parseExpiry(DEFAULT_EXPIRY))
    .option("--json", "print JSON on standard output")
    .action(create);
  withDataOptions(token.command("list").description("show the tokens that there are"))
    .option("--json", "print JSON on standard output")
    .action(list);
  withDataOptions(token.command("revoke").description("end a token, what goes on with it, and the tokens that were made with it"))
    .argument("<name>", "the token's name")
    .option("--json", "print JSON on standard output")
    .action(revoke);
}

async function create(name: string, { role: roles, scope: scopes, expires: expiresInMs, ...options }: CreateOptions): Promise<void> {
  await using host = await openHost(options);
  const created = await host.invoke<{ name: string; token: string }>("create-token", { name, roles, scopes, expiresInMs });
  print(options.json, created, () => created.token);
  if (options.json !== true) say(`${name} is made; send it as "Authorization: Bearer …", and keep it: it is not shown again`);
}

async function list(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const tokens = await host.invoke<TokenInfo[]>("tokens");
  const rows = tokens.map(({ name, roles, scopes, owner, expiresAt = "never", lastUsedAt = "never" }) => [
    ...[name, roles, scopes.map(({ permission, resource }) => `${permission}:${resource}`)],
    ...[owner, expiresAt, lastUsedAt],
  ]);
  print(options.json, tokens, () => table(["token", "roles", "only", "made by", "expires", "last used"], rows));
}

async function revoke(name: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const { revoked } = await host.invoke<{ revoked: string[] }>("revoke-token", { name });
  conclude(options.json, { revoked }, `revoked: ${revoked.join(", ")}`);
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

function collectScope(value: string, before: readonly Grant[]): Grant[] {
  return [...before, parseScope(value)];
}

function parseExpiry(text: string): number | undefined {
  if (text === "never") return undefined;
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("write a number and m, h, d or w, such as 30d, or never");
}
