// `bulkhead build`: makes a plugin's module with its language's own toolchain, and puts it where plugin.json says.

import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { HostError } from "../core/errors.ts";
import { type Manifest, parseManifest } from "../manifest/manifest.ts";
import { refuseWhatFails } from "./check.ts";
import { print } from "./report.ts";
import { say } from "./terminal.ts";
import { findToolchain, type Language, languageOf } from "./toolchains/languages.ts";

export interface Built {
  readonly manifest: Manifest;
  readonly language: Language;
  readonly file: string;
  readonly bytes: number;
  readonly ms: number;
  /** What the compiler said, warnings for one. */
  readonly output: string;
}

export function addBuild(program: Command): void {
  program
    .command("build")
    .description("build a plugin with its language's toolchain: AssemblyScript, Rust, Go, C, C++, Zig, TypeScript, JavaScript or Python")
    .argument("[folder]", "the plugin's folder", ".")
    .option("--json", "print JSON on standard output")
    .action(async (folder: string, { json }: { readonly json?: boolean }) => {
      const { language, file, bytes, ms, output } = await buildPlugin(folder);
      if (output !== "") say(output.trimEnd());
      print(
        json,
        { language, file, bytes, ms: Math.round(ms) },
        () => `${file}  ${(bytes / 1024).toFixed(1)} KiB  ${language}, ${ms.toFixed(0)} ms`,
      );
    });
}

// What componentize-qjs and componentize-py say of an import that is not there yet, below a backtrace of their own.
const NOT_YET = /(?:unknown import: `|called trapping stub: )bulkhead:plugin\/([a-z-]+)@[\d.]+#([a-z-]+)/;

/** A component's module level runs when it is built, and there is no host then. */
function calledAtBuildTime(output: string): string | undefined {
  const [, namespace, name] = NOT_YET.exec(output) ?? [];
  if (namespace === undefined) return undefined;
  return `${namespace}.${name} is called outside of a function: that runs when the plugin is built, where there is no host; call it in a function`;
}

const TELL_MS = 10_000;

/** Some compilers build their standard library first, which takes minutes: says that it goes on. */
async function tellingOf<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const telling = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1_000);
    say(`still compiling ${name} after ${seconds} s; a compiler that was never used for Wasm builds its standard library first`);
  }, TELL_MS);
  return work().finally(() => clearInterval(telling));
}

/**
 * Rejects with HostError `invalid-manifest` for a folder without a plugin.json, and `plugin-failed` when a tool is missing, with how to get it as its detail, or when it does not
 * compile, with what the compiler says; then the module of before stays. What was built and does not fit the manifest is refused as by `bulkhead check`.
 */
export async function buildPlugin(folder: string): Promise<Built> {
  const root = resolve(folder);
  const manifestFile = join(root, "plugin.json");
  const text = await readFile(manifestFile, "utf8").catch((cause: unknown) => {
    throw new HostError("invalid-manifest", `${manifestFile} cannot be read; "bulkhead new" makes a plugin's folder`, { cause });
  });
  const manifest = parseManifest(text, manifestFile);
  if (manifest.wasm === undefined)
    throw new HostError(
      "invalid-manifest",
      `${manifest.name} is a remote plugin, of which the host builds nothing; run it as its README says`,
    );
  const language = languageOf(root);
  const build = await findToolchain(language, root);
  const file = join(root, manifest.wasm);
  const started = performance.now();
  const { ok, output } = await tellingOf(manifest.name, () => build(root, file));
  if (!ok)
    throw new HostError("plugin-failed", `${manifest.name} does not compile`, { detail: calledAtBuildTime(output) ?? output.trim() });
  await refuseWhatFails(root);
  return { manifest, language, file, bytes: (await stat(file)).size, ms: performance.now() - started, output };
}
