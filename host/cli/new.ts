// `bulkhead new`: a plugin's folder in the author's language, from a template that builds and passes its test as it is.

import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as prompts from "@clack/prompts";
import { type Command, Option } from "commander";
import { TRANSPILER_INSTALL } from "../cell/admission/transpiler.ts";
import { HostError } from "../core/errors.ts";
import { isPluginName, printable } from "../core/names.ts";
import { commandName, print } from "./report.ts";
import { say } from "./terminal.ts";
import type { Language } from "./toolchains/languages.ts";

interface Template {
  readonly title: string;
  /** Whose SDK and toolchain it uses. */
  readonly language: Language;
  readonly sources: string;
  /** What `bulkhead build` needs, as a README says it. */
  readonly needs: string;
  /** What it makes is a WebAssembly component. */
  readonly component?: boolean;
}

const NAMES = ["assemblyscript", "rust", "go", "c", "cpp", "zig", "typescript", "javascript", "python"] as const;
/** What --lang takes: the name of a folder below plugin-sdk/templates. */
export type TemplateName = (typeof NAMES)[number];

export const TEMPLATES: Readonly<Record<TemplateName, Template>> = {
  assemblyscript: {
    title: "AssemblyScript",
    language: "assemblyscript",
    sources: "`assembly/index.ts`",
    needs: "the compiler, which `npm install` in this folder brings",
  },
  rust: {
    title: "Rust",
    language: "rust",
    sources: "`src/lib.rs`",
    needs: "cargo and `rustup target add wasm32-unknown-unknown`, or Debian's cargo-web, rustc-web, rust-web-src and lld",
  },
  go: { title: "Go", language: "go", sources: "`plugin.go`", needs: "Go 1.24 or later" },
  c: { title: "C", language: "c", sources: "`plugin.c`", needs: "clang 14 or later with lld, wasi-libc and compiler-rt for wasm32" },
  cpp: { title: "C++", language: "c", sources: "`plugin.cpp`", needs: "clang 14 or later with lld, wasi-libc and compiler-rt for wasm32" },
  zig: { title: "Zig", language: "zig", sources: "`src/plugin.zig`", needs: "Zig 0.17, such as `pip install ziglang==0.17.1`" },
  typescript: {
    title: "TypeScript",
    language: "typescript",
    sources: "`src/index.ts`",
    needs: "componentize-qjs, which `npm install` in this folder brings",
    component: true,
  },
  javascript: {
    title: "JavaScript",
    language: "typescript",
    sources: "`src/index.js`",
    needs: "componentize-qjs, which `npm install` in this folder brings",
    component: true,
  },
  python: {
    title: "Python",
    language: "python",
    sources: "`plugin.py`",
    needs: "`pip install componentize-py==0.25.1`",
    component: true,
  },
};

const NPM_INSTALL = "npm install";

const SDKS = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "plugin-sdk");
/** What compilers and editors leave in an SDK's folder. */
const LEFTOVERS: ReadonlySet<string> = new Set(["target", "node_modules", "__pycache__", ".zig-cache", "zig-out", "build", "dist"]);

interface NewOptions {
  readonly lang?: TemplateName;
  readonly json?: boolean;
}

export function addNew(program: Command): void {
  program
    .command("new")
    .description("make a plugin's folder that builds, tests and runs, in your language")
    .argument("<folder>", "where; its last part is the plugin's name")
    .addOption(new Option("-l, --lang <language>", "the language").choices(NAMES))
    .option("--json", "print JSON on standard output")
    .action(async (folder: string, { lang, json }: NewOptions) => {
      const template = lang ?? (await askLanguage());
      const made = await makePlugin(folder, template);
      print(json, { folder: made, language: template }, () => made);
      const install = TEMPLATES[template].needs.includes(NPM_INSTALL) ? `${NPM_INSTALL} && ` : "";
      if (json !== true) say(`next: cd ${folder} && ${install}${commandName()} test; README.md says what it needs`);
    });
}

async function askLanguage(): Promise<TemplateName> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new HostError("invalid-message", `say --lang and one of ${NAMES.join(", ")}; there is no terminal to ask on`);
  const options = NAMES.map((name) => ({ value: name, label: TEMPLATES[name].title }));
  const answer = await prompts.select<TemplateName>({ message: "In which language?", options });
  if (typeof answer === "symbol") throw new HostError("invalid-message", "cancelled; nothing was made");
  return answer;
}

/**
 * Makes the folder with its SDK in it, all of it or nothing, and answers its path.
 * Rejects with HostError `invalid-message` for a name that no plugin may have and for a folder that is there already.
 */
export async function makePlugin(path: string, template: TemplateName): Promise<string> {
  const folder = resolve(path);
  const name = basename(folder);
  if (!isPluginName(name)) {
    const rule = "1 to 63 lower-case letters, digits and hyphens, of which the first is a letter; host, v1, admin and the like are taken";
    throw new HostError("invalid-message", `"${printable(name)}" is no plugin's name: write ${rule}`);
  }
  if (existsSync(folder)) throw new HostError("invalid-message", `${folder} is there already; name another folder, or remove it`);
  const stage = await stageBeside(folder);
  try {
    const unfinished = join(stage, name);
    await copyTemplate(join(SDKS, "templates", "common"), unfinished, name, TEMPLATES[template]);
    await copyTemplate(join(SDKS, "templates", template), unfinished, name, TEMPLATES[template]);
    await cp(join(SDKS, TEMPLATES[template].language), join(unfinished, "sdk"), {
      recursive: true,
      filter: (from) => !LEFTOVERS.has(basename(from)),
    });
    await rename(unfinished, folder);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  return folder;
}

async function stageBeside(folder: string): Promise<string> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    return await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  } catch (cause) {
    const message = `no folder can be made in ${dirname(folder)}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new HostError("invalid-message", message, { cause });
  }
}

async function copyTemplate(from: string, to: string, name: string, template: Template): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    // npm leaves a .gitignore out of packages.
    const target = join(to, source.slice(from.length + 1)).replace(/gitignore$/, ".gitignore");
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, filledIn(await readFile(source, "utf8"), name, template));
  }
}

const UNNAMED = "my-plugin";

const COMPONENT = `It makes a WebAssembly component, for which the Bulkhead that tests or runs it needs two more packages beside itself: \`${TRANSPILER_INSTALL}\`, once. `;

const filledIn = (text: string, name: string, { title, sources, needs, component }: Template): string =>
  text
    .replaceAll("{{language}}", title)
    .replaceAll("{{sources}}", sources)
    .replaceAll("{{needs}}", needs)
    .replaceAll("{{install}}", needs.includes(NPM_INSTALL) ? "npm install                # brings the compiler\n" : "")
    .replaceAll("{{component}}", component === true ? COMPONENT : "")
    .replaceAll(UNNAMED, name);
