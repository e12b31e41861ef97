// `bulkhead remote token create | list | revoke`: with what a remote plugin comes in.

import type { Command } from "commander";
import type { RemoteTokenInfo } from "../admin/remote-tokens.ts";
import { openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

export function addRemote(program: Command): void {
  const remote = program.command("remote").description("plugins that are processes of their own and dial the host");
  const token = remote.command("token").description("tokens with which remote plugins come in; they open nothing else");
  withDataOptions(token.command("create").description("make a token for a plugin; it is printed once, and nobody can see it again"))
    .argument("<plugin>", "an installed or configured remote plugin")
    .option("--json", "print JSON on standard output")
    .action(create);
  withDataOptions(token.command("list").description("show the tokens that there are"))
    .argument("[plugin]", "only of this plugin")
    .option("--json", "print JSON on standard output")
    .action(list);
  withDataOptions(token.command("revoke").description("end a token, and the session that goes on with it"))
    .argument("<plugin>", "whose it is")
    .argument("[id]", "which; all of the plugin's without it")
    .option("--json", "print JSON on standard output")
    .action(revoke);
}

async function create(plugin: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const created = await host.invoke<{ plugin: string; id: string; token: string }>("create-remote-token", { plugin });
  print(options.json, created, () => created.token);
  if (options.json !== true) say(`${plugin} has a token, ${created.id}; keep it: it is not shown again`);
}

async function list(plugin: string | undefined, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const tokens = await host.invoke<RemoteTokenInfo[]>("remote-tokens", plugin === undefined ? {} : { plugin });
  print(options.json, tokens, () =>
    table(
      ["plugin", "token", "made"],
      tokens.map((one) => [one.plugin, one.id, one.createdAt]),
    ),
  );
}

async function revoke(plugin: string, id: string | undefined, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const { revoked } = await host.invoke<{ revoked: string[] }>("revoke-remote-token", id === undefined ? { plugin } : { plugin, id });
  conclude(options.json, { revoked }, `revoked: ${revoked.join(", ")}`);
}
