// `bulkhead storage keys | get | log | move | drop`: what a plugin keeps for itself, as an operator sees it, and where it lies.

import { type Command, Option } from "commander";
import type { MovedData, StoredChange, StoredKey, StoredValue } from "../admin/stored-data.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { writeBytes } from "./terminal.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface Page {
  readonly keys: readonly StoredKey[];
  readonly next: string | undefined;
}

const JSON_OPTION = ["--json", "print JSON on standard output"] as const;

export function addStorage(program: Command): void {
  const storage = program
    .command("storage")
    .description("look at what a plugin stores, which the audit log tells, and move it to another driver");
  withDataOptions(storage.command("keys").description("list its keys, a thousand at once"))
    .argument("<plugin>", "the plugin's name")
    .option("--prefix <text>", "only keys that begin with it", "")
    .option("--after <key>", "go on after this key")
    .option(...JSON_OPTION)
    .action(keys);
  withDataOptions(storage.command("get").description("write the value of a key to standard output, as it is"))
    .argument("<plugin>", "the plugin's name")
    .argument("<key>", "the key")
    .option("--json", "print it as JSON, in base64, with its version")
    .action(get);
  withDataOptions(storage.command("log").description("show which keys were changed by which commit, where the plugin keeps a log"))
    .argument("<plugin>", "the plugin's name")
    .option("--after <commit>", "go on after this commit", Number, 0)
    .option(...JSON_OPTION)
    .action(log);
  withDataOptions(storage.command("move").description("copy its data to the driver that the configuration names now, and compare them"))
    .argument("<plugin>", "the plugin's name; it must not run")
    .addOption(new Option("--to <driver>", "the driver").makeOptionMandatory())
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nThe copy that is left behind is kept until `bulkhead storage drop` removes it. What was interrupted goes on where it was.",
    )
    .action(move);
  withDataOptions(storage.command("drop").description("remove the copy of its data that a move left behind, for good"))
    .argument("<plugin>", "the plugin's name")
    .addOption(new Option("--from <driver>", "the driver that has the copy").makeOptionMandatory())
    .option(...JSON_OPTION)
    .action(drop);
}

async function keys(plugin: string, options: JsonOptions & { readonly prefix: string; readonly after?: string }): Promise<void> {
  await using host = await openHost(options);
  const { prefix, after } = options;
  const page = await host.invoke<Page>("storage-keys", { plugin, prefix, ...(after === undefined ? {} : { after }) });
  print(options.json, page, () => {
    const rows = page.keys.map(({ key, bytes, version }) => [key, bytes, version]);
    const more = page.next === undefined ? "" : `\nthere are more; go on with --after ${escapeControls(JSON.stringify(page.next))}`;
    return rows.length === 0 ? "there are none" : table(["key", "bytes", "version"], rows) + more;
  });
}

async function get(plugin: string, key: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const found = await host.invoke<StoredValue | null>("storage-get", { plugin, key });
  if (found == null) throw new HostError("invalid-message", `${plugin} has no key "${printable(key)}"`);
  if (options.json === true) print(true, found, () => "");
  else await writeBytes(Buffer.from(found.value, "base64"));
}

async function log(plugin: string, options: JsonOptions & { readonly after: number }): Promise<void> {
  await using host = await openHost(options);
  const changes = await host.invoke<readonly StoredChange[]>("storage-log", { plugin, after: options.after });
  print(options.json, changes, () => {
    const rows = changes.map(({ seq, key, removed, time, trace }) => [
      ...[seq, key, removed ? "removed" : "set", new Date(time).toISOString(), trace ?? ""],
    ]);
    return rows.length === 0 ? "nothing was changed since" : table(["commit", "key", "", "time", "trace"], rows);
  });
}

async function move(plugin: string, options: JsonOptions & { readonly to: string }): Promise<void> {
  await using host = await openHost(options);
  const moved = await host.invoke<MovedData>("storage-move", { plugin, to: options.to });
  const kept = `the copy with ${moved.from} is kept until "bulkhead storage drop ${plugin} --from ${moved.from}"`;
  conclude(options.json, moved, `${moved.keys} keys of ${plugin}, ${moved.bytes} bytes, are with ${moved.to}; ${kept}`);
}

async function drop(plugin: string, options: JsonOptions & { readonly from: string }): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("storage-drop", { plugin, from: options.from });
  conclude(options.json, { plugin, from: options.from }, `the copy of the data of ${plugin} with ${options.from} is removed`);
}
