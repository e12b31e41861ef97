// `bulkhead blobs list | get | delete`: the blobs of a plugin, as an operator sees them.

import { open } from "node:fs/promises";
import type { Command } from "commander";
import type { ShownBlobs } from "../admin/blob-operations.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { BlobsBlob } from "../core/wit.ts";
import { type Control, openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { writeBytes } from "./terminal.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

const JSON_OPTION = ["--json", "print JSON on standard output"] as const;

export function addBlobs(program: Command): void {
  const blobs = program.command("blobs").description("look at the blobs of a plugin, which the audit log tells, and remove them");
  withDataOptions(blobs.command("list").description("list them, a thousand at once, and what they take in all"))
    .argument("<plugin>", "the plugin's name")
    .option("--prefix <text>", "only names that begin with it", "")
    .option("--after <name>", "go on after this name")
    .option(...JSON_OPTION)
    .action(list);
  withDataOptions(blobs.command("get").description("write the content of one to standard output, as it is"))
    .argument("<plugin>", "the plugin's name")
    .argument("<name>", "the blob's name")
    .option("--out <file>", "to this file, which must not be there yet")
    .action(get);
  withDataOptions(blobs.command("delete").description("remove one, for good"))
    .argument("<plugin>", "the plugin's name")
    .argument("<name>", "the blob's name")
    .option(...JSON_OPTION)
    .action(remove);
}

async function list(plugin: string, options: JsonOptions & { readonly prefix: string; readonly after?: string }): Promise<void> {
  await using host = await openHost(options);
  const { prefix, after } = options;
  const shown = await host.invoke<ShownBlobs>("blobs-list", { plugin, prefix, ...(after === undefined ? {} : { after }) });
  print(options.json, shown, () => {
    const { blobs, usage } = shown;
    const rows = blobs.map(({ name, mediaType, size, modified }) => [...[name, mediaType, size, new Date(modified).toISOString()]]);
    const all = `${usage.blobs} blobs, ${usage.bytes} bytes in all`;
    return rows.length === 0 ? all : `${table(["name", "media type", "bytes", "finished"], rows)}\n${all}`;
  });
}

async function get(plugin: string, name: string, options: DataOptions & { readonly out?: string }): Promise<void> {
  await using host = await openHost(options);
  const blob = await host.invoke<BlobsBlob>("blobs-get", { plugin, name });
  if (options.out === undefined) {
    for await (const piece of piecesOf(host, plugin, blob)) await writeBytes(piece);
    return;
  }
  await using file = await open(options.out, "wx").catch((cause: NodeJS.ErrnoException) => {
    throw new HostError("invalid-message", `${printable(options.out ?? "")} cannot be made (${cause.code}); name another file with --out`);
  });
  for await (const piece of piecesOf(host, plugin, blob)) await file.writeFile(piece);
}

async function* piecesOf(host: Control, plugin: string, { name, size, etag }: BlobsBlob): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < size; ) {
    const piece = Buffer.from(await host.invoke<string>("blobs-read", { plugin, name, offset, etag }), "base64");
    yield piece;
    offset += piece.length;
  }
}

async function remove(plugin: string, name: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("blobs-delete", { plugin, name });
  conclude(options.json, { plugin, name }, `${plugin} has no blob "${printable(name)}" any more`);
}
