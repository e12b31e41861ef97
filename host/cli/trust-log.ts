// `bulkhead trust log`: adds what was signed to a transparency log, which is a folder of plain files for any web server.

import { resolve } from "node:path";
import type { Command } from "commander";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { fetchPackage } from "../install/package-sources.ts";
import { packageReader } from "../lifecycle/package-reader.ts";
import { absoluteSpec } from "../manifest/package-spec.ts";
import type { LogEntry } from "../trust/log/entry.ts";
import { print, table } from "./report.ts";
import { KEY_HELP, KEYS_HELP, type KeyOptions, signingKey } from "./signing.ts";

interface LogOptions extends KeyOptions {
  readonly origin: string;
  readonly registry?: string;
  readonly json?: boolean;
}

export function addTrustLog(trust: Command): void {
  trust
    .command("log")
    .description("add signed packages to a transparency log, and sign what it has then; begins one where there is none")
    .argument("<folder>", "the log's folder, for any web server to serve")
    .argument("<source...>", "folders, .tgz files or packages of a registry")
    .requiredOption("--origin <name>", "what the log is called, such as example.org/log")
    .option("--key <name>", KEY_HELP)
    .option("--keys <folder>", KEYS_HELP)
    .option("--registry <url>", "instead of npm's own setting")
    .option("--json", "print JSON on standard output")
    .action(add);
}

async function add(folder: string, sources: readonly string[], options: LogOptions): Promise<void> {
  const { appendToLog, noteKeyText } = await import("../trust/log/appending.ts");
  const entries: LogEntry[] = [];
  for (const source of sources) entries.push(...(await entriesOf(source, options.registry)));
  const { key } = await signingKey(options);
  const signer = { name: options.origin, key };
  const vkey = noteKeyText(signer);
  const { checkpoint, places } = await appendToLog(resolve(folder), entries, signer);
  const rows = entries.map(({ plugin, version, keyid }, i) => [plugin, version, keyid, places[i] ?? ""]);
  print(options.json, { size: checkpoint.size, key: vkey, entries: entries.map((entry, i) => ({ ...entry, place: places[i] })) }, () =>
    [table(["plugin", "version", "key", "place"], rows), `${checkpoint.size} entries; its key for trust.log: ${vkey}`].join("\n"),
  );
}

async function entriesOf(source: string, registry: string | undefined): Promise<readonly LogEntry[]> {
  const fetched = await fetchPackage(absoluteSpec(source), { reader: packageReader(), registry });
  const { verifySignatures } = await import("../trust/signatures.ts");
  const { name: plugin, version } = fetched.manifest;
  const signers = verifySignatures(fetched, fetched.signatures);
  if (signers.length === 0)
    throw new HostError("invalid-message", `${escapeControls(source)} is signed by nobody; "bulkhead sign" signs a folder`);
  return signers.map(({ keyid, statementSha256: statement }) => ({ plugin, version, statement, keyid }));
}
