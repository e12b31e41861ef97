// `bulkhead records list | show | export | drop`: turns that failed and were kept, of plugins with "record": "failures".

import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { ListedRecords } from "../admin/record-operations.ts";
import type { TurnRecord } from "../bounds/turn-record.ts";
import { HostError } from "../core/errors.ts";
import { traceIdOf } from "../core/trace.ts";
import { openHost } from "./control.ts";
import { numberOf } from "./dead-letters.ts";
import { testOfRecord } from "./record-test.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { shownRecord } from "./shown-record.ts";
import { writeLines } from "./terminal.ts";

type Options = DataOptions & { readonly json?: boolean };

const JSON_OPTION = ["--json", "print JSON on standard output"] as const;
const MIB = 1_024 * 1_024;

export function addRecords(program: Command): void {
  const records = program
    .command("records")
    .description("turns that failed and were kept, so that they can be run again (bulkhead replay)");
  withDataOptions(records.command("list").description("show which there are, the latest last"))
    .argument("[plugin]", "those of one plugin")
    .option("-n, --limit <number>", "how many at most", "100")
    .option(...JSON_OPTION)
    .action(list);
  withDataOptions(records.command("show").description("show all that is in one; the audit log says who looked"))
    .argument("<id>", "its id")
    .option(...JSON_OPTION)
    .action(show);
  withDataOptions(records.command("export").description("write one to a file that nothing protects, and show what is in it"))
    .argument("<id>", "its id")
    .requiredOption("--to <file>", "the file; what is there is never replaced")
    .option("--test <file>", "also a test that runs it again with bulkhead/testing")
    .option("--plugin <folder>", "the plugin that the test is of", ".")
    .option(...JSON_OPTION)
    .action(exportOne);
  withDataOptions(records.command("drop").description("take some away for good"))
    .argument("<ids...>", "their ids")
    .option(...JSON_OPTION)
    .action(drop);
}

async function list(plugin: string | undefined, { limit, json, ...options }: Options & { readonly limit: string }): Promise<void> {
  await using host = await openHost(options);
  const wanted = { limit: numberOf("--limit", limit), ...(plugin === undefined ? {} : { plugin }) };
  const listed = await host.invoke<ListedRecords>("records", wanted);
  print(json, listed, () => {
    if (listed.records.length === 0)
      return 'nothing is kept; "record": "failures" in a plugin\'s section keeps those of its turns that fail';
    const rows = listed.records
      .toReversed()
      .map((one) => [one.id, one.at, `${one.plugin} ${one.version}`, one.entryPoint, one.code, traceIdOf(one.traceparent)]);
    const all = `${listed.kept} records take ${(listed.bytes / MIB).toFixed(1)} MiB`;
    return `${table(["id", "at", "plugin", "entry point", "code", "trace"], rows)}\n${all}`;
  });
}

/** Rejects with HostError. The host writes down who reads it. */
export async function readRecord(id: string, options: DataOptions): Promise<TurnRecord> {
  await using host = await openHost(options);
  return host.invoke<TurnRecord>("read-record", { id });
}

async function show(id: string, { json, ...options }: Options): Promise<void> {
  const record = await readRecord(id, options);
  print(json, record, () => shownRecord(record));
}

interface ExportOptions extends Options {
  readonly to: string;
  readonly test?: string;
  readonly plugin: string;
}

async function exportOne(id: string, { to, test, plugin, json, ...options }: ExportOptions): Promise<void> {
  const record = await readRecord(id, options);
  const text = test === undefined ? undefined : testOfRecord(record, { test, record: to, folder: plugin });
  if (json !== true) writeLines([shownRecord(record), ...(text === undefined ? [] : [`\n${text}`])].join("\n"));
  await writePrivately(to, `${JSON.stringify(record, null, 2)}\n`);
  if (test !== undefined && text !== undefined) await writePrivately(test, text);
  const written = test === undefined ? to : `${to} and ${test}`;
  conclude(json, { file: to, test, record: id }, `all of this is in ${written} now, readable by whoever has the file`);
}

/** For this user alone. Rejects with HostError `conflict` where something is. */
async function writePrivately(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST";
    throw new HostError(
      isThere ? "conflict" : "invalid-message",
      isThere ? `${file} is there already; name another file` : `${file} cannot be written; name another file`,
      { cause },
    );
  }
}

async function drop(ids: readonly string[], { json, ...options }: Options): Promise<void> {
  await using host = await openHost(options);
  const { dropped } = await host.invoke<{ readonly dropped: number }>("drop-records", { ids });
  conclude(json, { dropped }, `dropped ${dropped} records`);
}
