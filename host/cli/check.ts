// `bulkhead check`: what of a plugin's folder will not work, each with its line in plugin.json. `build`, `dev`, `pack` and `inspect` do it too; `install`
// refuses what has errors.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ADAPTERS } from "../adapters/index.ts";
import { readPlainFile } from "../bounds/files.ts";
import { admitInProcess } from "../cell/admission/admission-process.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { effectiveLimits, MAX_MANIFEST_BYTES, readPluginFolder, refuseLaterApi } from "../install/plugin-folder.ts";
import { checkManifest, type Findings } from "../manifest/check.ts";
import { pluginSettings } from "../manifest/configuration.ts";
import { describeFindings } from "../manifest/issues.ts";
import { MANIFEST_FILE, type Manifest, parseManifest } from "../manifest/manifest.ts";
import { print, say } from "./report.ts";

/** What was found, each a line for people. */
export interface Checked {
  readonly manifest: Manifest;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

export function addCheck(program: Command): void {
  program
    .command("check")
    .description("say what of a plugin's folder will not work: entry points, routes, sections, schemas, each with its line in plugin.json")
    .argument("[folder]", "the plugin's folder", ".")
    .option("--json", "print JSON on standard output")
    .action(async (folder: string, { json }: { readonly json?: boolean }) => {
      const { manifest, errors, warnings } = await checkFolder(folder);
      for (const warning of warnings) if (json !== true) say(`warning: ${warning}`);
      if (errors.length > 0) throw refusal(manifest, errors);
      print(json, { errors, warnings }, () => `${manifest.name} ${manifest.version}: nothing is wrong that can be seen from outside`);
    });
}

/** For those who check on their way: tells of warnings, and throws HostError `invalid-manifest` with the errors as its detail. */
export async function refuseWhatFails(folder: string): Promise<void> {
  const { manifest, errors, warnings } = await checkFolder(folder);
  for (const warning of warnings) say(`warning: ${warning}`);
  if (errors.length > 0) throw refusal(manifest, errors);
}

/** Rejects with HostError `invalid-manifest` for what is no manifest, and as admission does. A module that is not built yet is a warning. */
export async function checkFolder(path: string): Promise<Checked> {
  const folder = resolve(path);
  const file = join(folder, MANIFEST_FILE);
  const rules = { code: "invalid-manifest", maxBytes: MAX_MANIFEST_BYTES, remedy: '"bulkhead new" makes a plugin\'s folder' } as const;
  const text = (await readPlainFile(file, rules)).toString("utf8");
  const manifest = parseManifest(text, file);
  const isBuilt = existsSync(join(folder, manifest.wasm));
  const findings = checkManifest(manifest, {
    entryPoints: isBuilt ? await exportsIn(folder) : undefined,
    parsers: await ownParsers(),
  });
  return { manifest, ...described(findings, manifest, text, isBuilt) };
}

function described(
  { errors, warnings }: Findings,
  manifest: Manifest,
  text: string,
  isBuilt: boolean,
): Pick<Checked, "errors" | "warnings"> {
  const source = { file: MANIFEST_FILE, text };
  const lines = (findings: Findings["errors"]): string[] =>
    findings.length === 0 ? [] : escapeLines(describeFindings(findings, { input: manifest, source }));
  const unbuilt = isBuilt ? [] : [`${manifest.wasm} is not there, so its exports were not looked at; "bulkhead build" makes it`];
  return { errors: lines(errors), warnings: [...lines(warnings), ...unbuilt] };
}

const escapeLines = (text: string): string[] => text.split("\n").map(escapeControls);

/** Undefined for a component that is asked by name, which alone knows what it handles. */
async function exportsIn(folder: string): Promise<readonly string[] | undefined> {
  const { manifest, wasm } = await readPluginFolder(folder);
  const admitted = await admitInProcess(wasm, effectiveLimits(manifest, pluginSettings({})));
  refuseLaterApi(manifest, admitted);
  return admitted.entryPoints === "any" ? undefined : admitted.entryPoints;
}

/** Of the adapters that come with the host; others are known to the host that runs them. */
async function ownParsers(): Promise<Map<string, (plugin: string, section: unknown) => unknown>> {
  const rows = Object.entries(ADAPTERS).filter(([, { parser }]) => parser !== undefined);
  const parsers = await Promise.all(rows.map(async ([name, { parser }]) => [name, await parser?.()] as const));
  return new Map(parsers.flatMap(([name, parse]) => (parse === undefined ? [] : [[name, parse] as const])));
}

const refusal = ({ name }: Manifest, errors: readonly string[]): HostError =>
  new HostError("invalid-manifest", `${name} says in its ${MANIFEST_FILE} what does not work`, { detail: errors.join("\n") });
