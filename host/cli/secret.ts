// `bulkhead secret set | remove | list`: what the host fills into requests of plugins without showing it to them.

import { type Command, Option } from "commander";
import type { SecretInfo } from "../admin/secrets.ts";
import { openHost } from "./control.ts";
import { readHidden } from "./hidden-value.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

export function addSecret(program: Command): void {
  const secret = program.command("secret").description("keep what plugins may use in requests and never see, such as API keys");
  withDataOptions(secret.command("set").description("set a secret; the value is asked for, or read from standard input"))
    .argument("<name>", "letters, digits, _ and -")
    .addOption(
      new Option(
        "--to <urls...>",
        "where it may go, such as https://api.example.com, or what of the host it is for: drivers.storage (the URL of a store), auth.oidc",
      ).makeOptionMandatory(),
    )
    .option("--json", "print JSON on standard output")
    .action(set);
  withDataOptions(secret.command("remove").description("forget a secret"))
    .argument("<name>", "the secret's name")
    .option("--json", "print JSON on standard output")
    .action(remove);
  withDataOptions(secret.command("list").description("show the names of the secrets and where they may go"))
    .option("--json", "print JSON on standard output")
    .action(list);
}

async function set(name: string, options: JsonOptions & { readonly to: readonly string[] }): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("set-secret", { name, value: await readHidden(`The value of ${name}:`), to: options.to });
  conclude(
    options.json,
    { name, to: options.to },
    `${name} is set; plugins that are granted secrets.read ${name} write {{secret:${name}}} in a header`,
  );
}

async function remove(name: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("remove-secret", { name });
  conclude(options.json, { name }, `${name} is forgotten`);
}

async function list(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const secrets = await host.invoke<SecretInfo[]>("secrets");
  const rows = secrets.map((info) => [info.name, info.to.join("\n"), conditionOf(info)]);
  print(options.json, secrets, () => table(["secret", "may go to", "set"], rows));
}

function conditionOf({ setAt, opens, isTooShort }: SecretInfo): string {
  if (!opens) return "cannot be opened: its key is lost; set it again";
  return isTooShort ? "not filled in: too short to be hidden; set a longer one" : setAt;
}
