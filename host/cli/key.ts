// `bulkhead key new | list | export`: the keys of a publisher, with which packages, policies and revocations are signed. Plugins' own are `bulkhead keys`.

import { type Command, Option } from "commander";
import type { Algorithm } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { KEY_PASSWORD_VARIABLE, keyFolder, listKeys, newKey, publicKeyOf } from "../trust/key-files.ts";
import { readNewPassword } from "./hidden-value.ts";
import { conclude, print, table } from "./report.ts";
import { KEYS_HELP } from "./signing.ts";
import { writeLines } from "./terminal.ts";

interface KeyFolderOptions {
  readonly keys?: string;
  readonly json?: boolean;
}

export function addKey(program: Command): void {
  const key = program.command("key").description("the keys that you sign packages with, as their publisher");
  const withFolder = (command: Command): Command =>
    command.option("--keys <folder>", KEYS_HELP).option("--json", "print JSON on standard output");
  withFolder(key.command("new").description(`make a key and keep it, encrypted with a password (asked for, or ${KEY_PASSWORD_VARIABLE})`))
    .argument("<name>", "what you call it, such as acme")
    .addOption(new Option("--algorithm <name>", "of the key").choices(["ed25519", "p256"]).default("ed25519"))
    .action(make);
  withFolder(key.command("list").description("show the keys that there are")).action(list);
  withFolder(key.command("export").description("print the public half of a key, for those who are to trust it"))
    .argument("<name>", "the key's name")
    .addOption(new Option("--format <format>", "of what is printed").choices(["base64", "pem", "keyid"]).default("base64"))
    .action(exported);
}

async function make(name: string, options: KeyFolderOptions & { readonly algorithm: Algorithm }): Promise<void> {
  const password = process.env[KEY_PASSWORD_VARIABLE] ?? (await readNewPassword(`the key ${name}`));
  const made = await newKey(name, { folder: options.keys ?? keyFolder(), algorithm: options.algorithm, password });
  conclude(options.json, made, `${name} is made, ${made.keyid}; keep a copy of ${made.file} and its password: nobody can make it again`);
}

async function list(options: KeyFolderOptions): Promise<void> {
  const keys = await listKeys(options.keys ?? keyFolder());
  print(options.json, keys, () =>
    table(
      ["key", "algorithm", "keyid"],
      keys.map(({ name, algorithm, keyid }) => [name, algorithm, keyid]),
    ),
  );
}

async function exported(name: string, options: KeyFolderOptions & { readonly format: "base64" | "pem" | "keyid" }): Promise<void> {
  const key = await publicKeyOf(options.keys ?? keyFolder(), name);
  if (options.json === true) return print(true, key, () => "");
  writeLines(textOf(key, options.format));
}

function textOf({ keyid, publicKey }: { readonly keyid: string; readonly publicKey: string }, format: "base64" | "pem" | "keyid"): string {
  const texts = { keyid, base64: publicKey, pem: `-----BEGIN PUBLIC KEY-----\n${publicKey}\n-----END PUBLIC KEY-----` } as const;
  const text = texts[format];
  if (text !== undefined) return text;
  throw new HostError("invalid-message", `there is no format ${format}`);
}
