// `bulkhead keys list | rotate | remove`: the keys that plugins sign with. None can be taken out.

import type { Command } from "commander";
import type { SigningKeyInfo } from "../admin/signing-keys.ts";
import { openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

const JSON_OPTION = ["--json", "print JSON on standard output"] as const;

export function addKeys(program: Command): void {
  const keys = program
    .command("keys")
    .description("look at the keys that plugins sign with, which nobody can take out, and exchange or remove them");
  withDataOptions(keys.command("list").description("list them, with those that were rotated"))
    .argument("[plugin]", "only those of this plugin")
    .option(...JSON_OPTION)
    .action(list);
  withDataOptions(keys.command("rotate").description("let another key sign; what the former one has signed can still be verified"))
    .argument("<plugin>", "the plugin's name")
    .argument("<name>", "the key's name")
    .option(...JSON_OPTION)
    .action(rotate);
  withDataOptions(keys.command("remove").description("forget all keys of a name, or one of them: the plugin tells nobody of them any more"))
    .argument("<plugin>", "the plugin's name")
    .argument("<name>", "the key's name")
    .argument("[kid]", "only the one with this kid, as list shows it")
    .option(...JSON_OPTION)
    .action(remove);
}

async function list(plugin: string | undefined, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const keys = await host.invoke<SigningKeyInfo[]>("keys", plugin === undefined ? {} : { plugin });
  const rows = keys.map((key) => [key.plugin, key.name, key.kid, key.algorithm, key.madeAt, conditionOf(key)]);
  print(options.json, keys, () => table(["plugin", "name", "kid", "algorithm", "made", "signs"], rows));
}

function conditionOf({ retiredAt, opens }: SigningKeyInfo): string {
  if (retiredAt !== undefined) return `no, rotated ${retiredAt}`;
  return opens ? "yes" : "no: it cannot be opened, since secret.key is lost or another one; rotate it";
}

async function rotate(plugin: string, name: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const keys = await host.invoke<SigningKeyInfo[]>("rotate-key", { plugin, name });
  const kid = keys.find((key) => key.name === name && key.retiredAt === undefined)?.kid;
  conclude(options.json, { plugin, name, kid }, `the key ${name} of ${plugin} is another one: ${kid}`);
}

async function remove(plugin: string, name: string, kid: string | undefined, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("remove-key", { plugin, name, ...(kid === undefined ? {} : { kid }) });
  const what = kid === undefined ? `the keys ${name} of ${plugin} are forgotten` : `the key ${kid} of ${plugin} is forgotten`;
  conclude(options.json, { plugin, name, kid: kid ?? null }, what);
}
