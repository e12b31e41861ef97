// `bulkhead inspect`: what a module is and asks for, and whether it would be admitted. Runs nothing of it.

import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { needsOf } from "../capabilities/index.ts";
import { admitInProcess } from "../cell/admission/admission-process.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { Permission } from "../core/types.ts";
import { type AdmissionReport, DEFAULT_ADMISSION_LIMITS, inspect } from "../engine/admission.ts";
import { isComponent } from "../engine/component/bundle.ts";
import { functionOfImport } from "../engine/guest/imports.ts";
import { readModuleFolder, refuseLaterApi } from "../install/plugin-folder.ts";
import { DEFAULT_LIMITS } from "../manifest/limits.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { checkFolder } from "./check.ts";
import { EXIT } from "./exit-codes.ts";
import { print, table } from "./report.ts";

/** What `--json` prints. */
interface Inspection {
  readonly verdict: "admitted" | "refused";
  /** Every reason of a refusal. */
  readonly reasons: readonly string[];
  /** Undefined when the module cannot be read as one. */
  readonly module: AdmissionReport | undefined;
  /** The permission that each import needs; only imports that need one. */
  readonly permissions: readonly { readonly import: string; readonly permission: Permission }[];
  /** For a folder, what its plugin.json says. */
  readonly manifest: Manifest | undefined;
}

interface InspectOptions {
  readonly json?: boolean;
  readonly diff?: string;
  readonly registry?: string;
}

export function addInspect(program: Command): void {
  program
    .command("inspect")
    .description("show what a module imports, exports and uses, and whether it would be admitted; exit code 1 when refused")
    .argument("<plugin>", "a plugin's folder or a .wasm file; with --diff any source of a plugin")
    .option("--diff <before>", "show what it has more and less than this version: a folder, a .tgz file or a package of a registry")
    .option("--registry <url>", "with --diff, instead of npm's own setting")
    .option("--json", "print the inspection as JSON")
    .action(async (path: string, { json, diff, registry }: InspectOptions) => {
      if (diff !== undefined) {
        const { describeDiff, diffPackages } = await import("./inspect-diff.ts");
        const found = await diffPackages(diff, path, registry);
        return print(json, found, () => describeDiff(found));
      }
      const inspection = await inspectPlugin(path);
      print(json, inspection, () => describe(inspection));
      process.exitCode = inspection.verdict === "admitted" ? EXIT.ok : EXIT.failed;
    });
}

async function inspectPlugin(path: string): Promise<Inspection> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new HostError("invalid-message", `${path} is neither a plugin's folder nor a .wasm file`);
  const { wasm, manifest } = info.isDirectory()
    ? await readModuleFolder(path)
    : { wasm: new Uint8Array(await readFile(path)), manifest: undefined };
  const reasons: string[] = [];
  const refuse = (thrown: unknown): void => {
    const { message, detail } = toHostError(thrown);
    reasons.push(...(detail ?? message).split("\n"));
  };
  let module: AdmissionReport | undefined;
  try {
    // A component is read by jco, which is part of admitting it.
    if (!isComponent(wasm)) module = inspect(wasm, DEFAULT_ADMISSION_LIMITS);
    await admitInProcess(wasm, DEFAULT_LIMITS).then((admitted) => {
      module = admitted.report;
      if (manifest !== undefined) refuseLaterApi(manifest, admitted);
    }, refuse);
    if (info.isDirectory() && reasons.length === 0) reasons.push(...(await checkFolder(path)).errors);
  } catch (thrown) {
    refuse(thrown);
  }
  const permissions = (module?.imports ?? []).flatMap(({ module: from, name }) => {
    const asked = functionOfImport(from, name);
    const permission = asked === undefined ? undefined : needsOf(asked);
    return permission === undefined ? [] : [{ import: `${from} ${name}`, permission }];
  });
  return { verdict: reasons.length === 0 ? "admitted" : "refused", reasons, module, permissions, manifest };
}

// Every name in it is the stranger's.
function describe({ verdict, reasons, module, permissions, manifest }: Inspection): string {
  const sections: string[] = [];
  if (manifest !== undefined) {
    const asked = manifest.permissions.map(({ permission, resource, reason }) => [permission, resource, reason]);
    sections.push(`${manifest.name} ${manifest.version} asks for:`, table(["permission", "resource", "because"], asked));
  }
  if (module !== undefined) {
    const needs = new Map(permissions.map(({ import: name, permission }) => [name, permission]));
    const imports = module.imports.map(({ module: from, name }) => [from, name, needs.get(`${from} ${name}`) ?? "its own things only"]);
    sections.push(table(["import from", "name", "needs"], imports));
    sections.push(
      table(
        ["export", "kind"],
        module.exports.map(({ name, kind }) => [name, kind]),
      ),
    );
    const { memory, tables, functions, largestFunctionBytes, globals, dataSegments, features, hasStart, sourceBytes, admittedBytes } =
      module;
    sections.push(
      table(
        ["what", "how much"],
        [
          ["memory", memory === undefined ? "none" : `${memory.minPages} to ${memory.maxPages} pages of 64 KiB`],
          ["tables", tables.map(({ minimum, maximum }) => `${minimum} to ${maximum ?? "any"} elements`).join(", ") || "none"],
          ["functions", `${functions}, the largest of ${largestFunctionBytes} bytes`],
          ["globals", String(globals)],
          ["data segments", String(dataSegments)],
          ["features", features.join(", ") || "none beyond the first version"],
          ["start function", hasStart ? "yes; it runs metered, like any turn" : "no"],
          ["size", admittedBytes === 0 ? `${sourceBytes} bytes` : `${sourceBytes} bytes, ${admittedBytes} with its meter`],
        ],
      ),
    );
  }
  sections.push(
    verdict === "admitted"
      ? "It would be admitted."
      : `It would be refused:\n${reasons.map((reason) => `  ${escapeControls(reason)}`).join("\n")}`,
  );
  return sections.join("\n");
}
