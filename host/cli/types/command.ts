// `bulkhead types`: typed TypeScript clients of services, types of events and extension points, and readers of configurations, of the host or of plugins' folders.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { chosenFrom, countOf, type Declarations, declaredIn } from "../../admin/schemas.ts";
import { readPlainFile } from "../../bounds/files.ts";
import { shownJson } from "../../bounds/shown-json.ts";
import { HostError } from "../../core/errors.ts";
import { MAX_MANIFEST_BYTES } from "../../install/plugin-folder.ts";
import { type Manifest, parseManifest } from "../../manifest/manifest.ts";
import { openHost } from "../control.ts";
import { type DataOptions, withDataOptions } from "../serve.ts";
import { say, writeJson, writeLines } from "../terminal.ts";
import { clientFile } from "./client-file.ts";

interface TypesOptions extends DataOptions {
  readonly plugin: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
}

export function addTypes(program: Command): void {
  const several = (folder: string, before: readonly string[]): readonly string[] => [...before, folder];
  withDataOptions(
    program
      .command("types")
      .description("write typed TypeScript clients of services, and the types of events, extension points and configurations"),
  )
    .argument(
      "[names...]",
      "services, events, extension points and plugins, the beginning of their names, or patterns such as devices.*; all if absent",
    )
    .option("--plugin <folder>", "a plugin's folder instead of the host; can be given several times", several, [])
    .option("-o, --out <file>", "where to write; standard output if absent")
    .option("--json", "print the schemas as JSON instead")
    .action(types);
}

async function types(names: readonly string[], options: TypesOptions): Promise<void> {
  const declared =
    options.plugin.length > 0 ? chosenFrom(declaredIn(await manifestsIn(options.plugin)), names) : await ofHost(names, options);
  const { services, events, points, configs } = declared;
  if (countOf(declared) === 0)
    throw new HostError(
      "invalid-message",
      "nothing here can be called, heard of, answered or configured; name a plugin's folder with --plugin",
    );
  const text = options.json === true ? shownJson(JSON.stringify(declared, null, 2)) : clientFile(declared).trimEnd();
  if (options.out === undefined) return options.json === true ? writeJson(text) : writeLines(text);
  await writeFile(options.out, `${text}\n`).catch((cause: unknown) => {
    throw new HostError("invalid-message", `${options.out} cannot be written; name another file with --out`, { cause });
  });
  say(
    `${options.out}: ${services.length} services, ${events.length} events, ${points.length} extension points, ${configs.length} configurations`,
  );
}

async function ofHost(names: readonly string[], options: DataOptions): Promise<Declarations> {
  await using host = await openHost(options);
  return host.invoke<Declarations>("schemas", { names });
}

/** The module need not be built yet. */
const manifestsIn = (folders: readonly string[]): Promise<Manifest[]> =>
  Promise.all(
    folders.map(async (folder) => {
      const file = join(folder, "plugin.json");
      const rules = { code: "invalid-manifest", maxBytes: MAX_MANIFEST_BYTES, remedy: "name the folder of a plugin" } as const;
      return parseManifest((await readPlainFile(file, rules)).toString("utf8"), file);
    }),
  );
