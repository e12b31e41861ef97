// `bulkhead release`: ends the quarantine of a plugin, with or without a running host.

import type { Command } from "commander";
import { openHost } from "./control.ts";
import { conclude } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

export function addRelease(program: Command): void {
  withDataOptions(
    program
      .command("release")
      .description("end the quarantine of a plugin; a running host starts it again at once, another at its next start"),
  )
    .argument("<plugin>", "the plugin's name")
    .option("--json", "print JSON on standard output")
    .action(release);
}

async function release(plugin: string, options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("release", { plugin });
  conclude(options.json, { plugin }, `${plugin} is released`);
}
