// `bulkhead trust`: whose plugins come in: the keys that names are known by, the policy, what was revoked. And `trust sign`, with which a policy or a list is signed.

import { rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { RefreshOutcome, TrustStatus } from "../admin/trust-operations.ts";
import { readPlainFile } from "../bounds/files.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { type DocumentKind, MAX_DOCUMENT_BYTES } from "../trust/signed-documents.ts";
import { openHost } from "./control.ts";
import { EXIT } from "./exit-codes.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { KEY_HELP, KEYS_HELP, type KeyOptions, signingKey } from "./signing.ts";
import { say } from "./terminal.ts";
import { addTrustLog } from "./trust-log.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface SignDocumentOptions extends KeyOptions {
  readonly kind: DocumentKind;
  readonly out?: string;
  readonly json?: boolean;
}

export function addTrust(program: Command): void {
  const trust = program.command("trust").description("whose plugins come in: keys of names, the policy, what was revoked");
  withDataOptions(trust.command("show", { isDefault: true }).description("show what holds"))
    .option("--json", "print JSON on standard output")
    .action(show);
  withDataOptions(trust.command("accept").description("take another key for a name, in the place of those that it had"))
    .argument("<plugin>", "the plugin's name")
    .argument("<keyid>", "of the key, as the refusal says it; ask its publisher by another way")
    .option("--json", "print JSON on standard output")
    .action(accept);
  withDataOptions(trust.command("forget").description("forget the keys of a name: who signs it next is believed"))
    .argument("<plugin>", "the plugin's name")
    .option("--json", "print JSON on standard output")
    .action(forget);
  withDataOptions(trust.command("refresh").description("fetch the policy and the lists of revocations, and stop what they withdraw"))
    .option("--json", "print JSON on standard output")
    .action(refresh);
  trust
    .command("sign")
    .description("add a signature to a policy or a list of revocations; to one that nobody has signed yet, as JSON, the first")
    .argument("<file>", "the document")
    .addOption(new Option("--kind <kind>", "what it is").choices(["trust-policy", "revocations"]).makeOptionMandatory())
    .option("--key <name>", KEY_HELP)
    .option("--keys <folder>", KEYS_HELP)
    .option("-o, --out <file>", "where to write it, instead of over the file")
    .option("--json", "print JSON on standard output")
    .action(signOne);
  addTrustLog(trust);
}

async function show(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const status = await host.invoke<TrustStatus>("trust");
  print(options.json, status, () => describe(status));
}

function describe({ mode, documents, pins, revoked }: TrustStatus): string {
  const sections = [`trust.mode is ${mode}.`];
  if (documents.length > 0) {
    const rows = documents.map(({ what, from, version = "none", expires = "", fetchedAt = "", freshness }) => {
      return [what, from, version, expires, fetchedAt, freshness];
    });
    sections.push(table(["document", "from", "version", "expires", "fetched", "it is"], rows));
  }
  const keys = pins.map(({ plugin, keyid, since, acceptedBy }) => [plugin, keyid, new Date(since).toISOString(), acceptedBy]);
  sections.push(keys.length === 0 ? "No name is known by a key yet." : table(["name", "key", "since", "taken by"], keys));
  if (revoked.length > 0)
    sections.push(
      table(
        ["revoked", "version", "because"],
        revoked.map(({ plugin, version, reason }) => [plugin, version, reason]),
      ),
    );
  return sections.join("\n");
}

async function accept(plugin: string, keyid: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const status = await host.invoke<TrustStatus>("trust-accept", { plugin, keyid });
  conclude(options.json, status, `${plugin} is known by the key ${keyid} from now on`);
}

async function forget(plugin: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const status = await host.invoke<TrustStatus>("trust-forget", { plugin });
  conclude(options.json, status, `the keys of ${plugin} are forgotten: who signs it next is believed`);
}

async function refresh(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const { documents, stopped } = await host.invoke<RefreshOutcome>("trust-refresh");
  for (const { what, problem } of documents) if (problem !== undefined) say(`${what}: ${escapeControls(problem)}`);
  const rows = documents.map(({ what, version = "none", isNew, problem }) => [
    what,
    version,
    problem !== undefined ? "could not be had" : isNew ? "is new" : "is as it was",
  ]);
  print(options.json, { documents, stopped }, () =>
    rows.length === 0 ? "the configuration names neither trust.policy nor trust.revocations" : table(["document", "version", "it"], rows),
  );
  if (stopped.length > 0) say(`stopped, because they are revoked: ${stopped.join(", ")}`);
  if (documents.some(({ problem }) => problem !== undefined)) process.exitCode = EXIT.failed;
}

async function signOne(path: string, options: SignDocumentOptions): Promise<void> {
  const file = resolve(path);
  const rules = { code: "invalid-message", maxBytes: 2 * MAX_DOCUMENT_BYTES, remedy: "name a policy or a list of revocations" } as const;
  const text = (await readPlainFile(file, rules)).toString("utf8");
  const key = await signingKey(options);
  const { checkDocument, signDocument } = await import("../trust/signing-documents.ts");
  const signed = signDocument(text, options.kind, key, file);
  checkDocument(signed, options.kind, file);
  const out = resolve(options.out ?? file);
  await writeFile(`${out}.unfinished`, signed).catch((cause: unknown) => {
    throw new HostError("invalid-message", `${escapeControls(out)} cannot be written; name another with --out`, { cause });
  });
  await rename(`${out}.unfinished`, out);
  const { keyid } = key.public;
  conclude(options.json, { file: out, keyid }, `${escapeControls(out)} is signed by ${keyid}`);
}
