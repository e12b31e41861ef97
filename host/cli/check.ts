// `bulkhead check`: what of a plugin's folder will not work, each with its line in plugin.json. `build`, `dev`, `pack` and `inspect` do it too; `install`
// refuses what has errors.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ADAPTERS } from "../adapters/index.ts";
import { readPlainFile } from "../bounds/files.ts";
import { admitInProcess } from "../cell/admission/admission-process.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { Limits } from "../core/types.ts";
import { type AdmittedPlugin, effectiveLimits, MAX_MANIFEST_BYTES, readPluginFolder, refuseLaterApi } from "../install/plugin-folder.ts";
import { type CheckPorts, checkManifest, type Findings } from "../manifest/check.ts";
import { pluginSettings } from "../manifest/configuration.ts";
import { describeFindings } from "../manifest/issues.ts";
import { MANIFEST_FILE, type Manifest, parseManifest } from "../manifest/manifest.ts";
import { runOnce } from "./one-shot.ts";
import { print } from "./report.ts";
import { say } from "./terminal.ts";

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
  // The code of a remote plugin is not here to be looked at.
  const isBuilt = manifest.wasm === undefined || existsSync(join(folder, manifest.wasm));
  const findings = checkManifest(manifest, {
    module: isBuilt && manifest.wasm !== undefined ? await exportsIn(folder) : undefined,
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

async function exportsIn(folder: string): Promise<CheckPorts["module"]> {
  const { manifest, wasm } = await readPluginFolder(folder);
  const limits = effectiveLimits(manifest, pluginSettings({}));
  const admitted = await admitInProcess(wasm, limits);
  refuseLaterApi(manifest, admitted);
  const { entryPoints, exported } = admitted;
  return entryPoints === "any" ? askedOf(manifest.name, limits, admitted) : { entryPoints, exported };
}

/** A component that is asked by name knows alone what it handles; those of our SDKs say it. Undefined for others, and for one that does not start. */
async function askedOf(name: string, limits: Limits, admitted: AdmittedPlugin): Promise<CheckPorts["module"]> {
  const silent = { log: { write() {} }, onEvent() {} };
  const question = { entryPoint: "__entry_points", input: new Uint8Array(0), config: {} };
  try {
    const { output } = await runOnce({ name, limits, admitted, ...question, ...silent });
    const entryPoints = namesSchema.parse(JSON.parse(new TextDecoder().decode(output)));
    return { entryPoints, exported: `it handles ${entryPoints.join(", ") || "nothing"}` };
  } catch {
    return undefined;
  }
}

const namesSchema = z.array(z.string().max(128)).max(1_024);

/** Of the adapters that come with the host; others are known to the host that runs them. */
async function ownParsers(): Promise<Map<string, (plugin: string, section: unknown) => unknown>> {
  const rows = Object.entries(ADAPTERS).filter(([, { parser }]) => parser !== undefined);
  const parsers = await Promise.all(rows.map(async ([name, { parser }]) => [name, await parser?.()] as const));
  return new Map(parsers.flatMap(([name, parse]) => (parse === undefined ? [] : [[name, parse] as const])));
}

const refusal = ({ name }: Manifest, errors: readonly string[]): HostError =>
  new HostError("invalid-manifest", `${name} says in its ${MANIFEST_FILE} what does not work`, { detail: errors.join("\n") });
