// `bulkhead reload`: has a running host read its configuration anew, or shows what that would change.

import type { Command } from "commander";
import type { Reloaded, ReloadedChange } from "../admin/reload-operations.ts";
import { openHost } from "./control.ts";
import { EXIT } from "./exit-codes.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

const MAX_VALUE_LENGTH = 200;

export function addReload(program: Command): void {
  withDataOptions(
    program
      .command("reload")
      .description(
        "have the running host read its configuration anew; plugins that are not concerned notice nothing, and what is wrong changes nothing",
      ),
  )
    .option("--dry-run", "check it and show what is different, and change nothing")
    .option("--json", "print JSON on standard output")
    .action(reload);
}

async function reload(options: DataOptions & { readonly dryRun?: boolean; readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  const reloaded = await host.invoke<Reloaded>("reload", { dryRun: options.dryRun === true });
  print(options.json, reloaded, () => reloadedText(reloaded));
  if (reloaded.changes.some(({ failure }) => failure !== undefined)) process.exitCode = EXIT.failed;
}

function reloadedText({ changes, isApplied }: Reloaded): string {
  if (changes.length === 0) return "nothing is different";
  const rows = changes.map((change) => [change.key, shown(change.before), shown(change.after), whatOf(change, isApplied)]);
  return table(["key", "before", "after", isApplied ? "now" : "it would be"], rows);
}

function whatOf({ effect, failure }: ReloadedChange, isApplied: boolean): string {
  if (failure !== undefined) return `not changed: ${failure}`;
  if (effect === "restart of the host") return isApplied ? "waits for a restart of the host" : "after a restart of the host";
  const [done, toDo] = WORDS[effect];
  return isApplied ? done : toDo;
}

const WORDS: Readonly<Record<Exclude<ReloadedChange["effect"], "restart of the host">, readonly [done: string, toDo: string]>> = {
  "at once": ["in force", "in force at once"],
  "adds the plugin": ["the plugin was added", "the plugin is added"],
  "removes the plugin": ["the plugin was taken out; its data stay", "the plugin is taken out; its data stay"],
  "restarts the plugin": ["the plugin was restarted", "the plugin is restarted"],
  "moves the plugin": ["the plugin was restarted elsewhere", "the plugin is restarted elsewhere"],
};

function shown(value: unknown): string {
  const text = value === undefined ? "" : JSON.stringify(value);
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}…`;
}
