// `bulkhead release`: ends the quarantine of a plugin, with or without a running host.

import { join } from "node:path";
import type { Command } from "commander";
import { Quarantine } from "../cell/containment.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { say } from "./report.ts";
import { type DataOptions, readConfiguration, withDataOptions, withOverrides } from "./serve.ts";

export function addRelease(program: Command): void {
  withDataOptions(
    program
      .command("release")
      .description("end the quarantine of a plugin; a running host starts it again at once, another at its next start"),
  )
    .argument("<plugin>", "the plugin's name")
    .action(release);
}

async function release(name: string, options: DataOptions): Promise<void> {
  const { dataDir } = withOverrides(await readConfiguration(options.config), options);
  const quarantine = new Quarantine(join(dataDir, "quarantine"));
  if (!quarantine.release(name)) {
    const known = quarantine.names().join(", ") || "nobody is";
    throw new HostError("invalid-message", `${printable(name)} is not quarantined in ${dataDir}; quarantined: ${known}`);
  }
  say(`${name} is released`);
}
