// `bulkhead init`: a configuration to begin with, in which everything that it does not say stands as a comment.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { FIRST_CONFIGURATION } from "./first-configuration.ts";
import { commandName, conclude } from "./report.ts";
import { DEFAULT_FILES } from "./serve.ts";

const NAME = "bulkhead.yaml";

export function addInit(program: Command): void {
  program
    .command("init")
    .description(`write ${NAME}, a configuration with comments that "bulkhead serve" starts with`)
    .argument("[folder]", "where to", ".")
    .option("--json", "print JSON on standard output")
    .action(init);
}

function init(folder: string, { json }: { readonly json?: boolean }): void {
  const other = DEFAULT_FILES.find((name) => existsSync(join(folder, name)));
  if (other !== undefined) throw new HostError("conflict", `${join(folder, other)} is there; nothing was written`);
  const file = join(folder, NAME);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, FIRST_CONFIGURATION, { flag: "wx" });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new HostError("storage-failed", `${file} cannot be written (${code}); check who may, and whether there is room`, { cause });
  }
  const next = folder === "." ? `${commandName()} serve` : `${commandName()} serve --config ${file}`;
  conclude(json, { file }, `${escapeControls(file)} is written; ${escapeControls(next)} starts a host with it`);
}
