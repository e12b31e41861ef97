// The languages of plugins: how each is recognised by its files, what it needs, and how it makes a module. `bulkhead build`, `dev` and `new`, the tests and the
// benchmark of languages go by this table.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { HostError } from "../../core/errors.ts";
import { firstThat, missing, type Program, type Ran, run } from "./tools.ts";

export const LANGUAGES = ["assemblyscript", "rust", "go", "c", "zig", "typescript", "python"] as const;
export type Language = (typeof LANGUAGES)[number];

interface Toolchain {
  /** Whether a folder holds a plugin in this language. */
  detects(files: readonly string[]): boolean;
  /** Throws HostError `plugin-failed`, which says what is missing and how to get it. */
  find(folder: string): Promise<Builder>;
}

/** Builds into `output`; what the compiler says is the answer's output. */
type Builder = (folder: string, output: string) => Promise<Ran>;

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const WASM = "wasm32-unknown-unknown";

/** The SDK that lies in the plugin's folder, else the one that comes with this package. */
const sdkOf = (folder: string, language: Language): string =>
  existsSync(join(folder, "sdk")) ? join(folder, "sdk") : join(PACKAGE, "plugin-sdk", language);

/** Makes the module and puts it where it is wanted. */
async function built(program: Program, args: readonly string[], folder: string, from: string, output: string): Promise<Ran> {
  const ran = await run(program, args, folder);
  if (ran.ok) await copyFile(resolve(folder, from), output);
  return ran;
}

/** One for all plugins of a user, who then builds Rust's standard library and the SDK once. Cargo locks it and knows what of it is stale. */
const cargoTarget = (): string =>
  process.env.CARGO_TARGET_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bulkhead", "cargo");

const TOOLCHAINS: Readonly<Record<Language, Toolchain>> = {
  assemblyscript: {
    detects: (files) => files.includes("assembly"),
    async find(folder) {
      assemblyScriptCompiler(folder);
      return (at, output) => compileAssemblyScript(at, join("assembly", "index.ts"), output);
    },
  },
  rust: {
    detects: (files) => files.includes("Cargo.toml"),
    async find() {
      const cargos = [{ command: "cargo" }, { command: "/usr/bin/cargo", env: { PATH: "/usr/bin:/bin" } }];
      const rustc = (cargo: Program): Program => ({ ...cargo, command: cargo.command.replace(/cargo$/, "rustc") });
      const sysroots = [];
      for (const cargo of cargos) {
        const { ok, output } = await run(rustc(cargo), ["--print", "sysroot"], process.cwd());
        if (ok && (await firstThat([cargo], ["--version"]))) sysroots.push({ cargo, root: output.trim() });
      }
      const command = ["build", "--release", "--target", WASM, "--target-dir", cargoTarget()];
      const from = (folder: string): string => join(cargoTarget(), WASM, "release", `${crateName(folder)}.wasm`);
      const ready = sysroots.find(({ root }) => existsSync(join(root, "lib", "rustlib", WASM)));
      if (ready !== undefined) return (folder, output) => built(ready.cargo, command, folder, from(folder), output);
      const sources = sysroots.find(({ root }) => existsSync(join(root, "lib", "rustlib", "src", "rust", "library", "Cargo.lock")));
      if (sources !== undefined) {
        // Debian has the standard library's sources and not its build for Wasm; the compiler lets a release do it with this.
        const env = { ...sources.cargo.env, RUSTC_BOOTSTRAP: "1", CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld" };
        const cargo = { ...sources.cargo, env };
        return (folder, output) => built(cargo, [...command, "-Z", "build-std=std,panic_abort"], folder, from(folder), output);
      }
      return missing(`Rust for ${WASM}`, [`rustup target add ${WASM}`, "apt-get install cargo-web rustc-web rust-web-src lld"]);
    },
  },
  go: {
    detects: (files) => files.includes("go.mod"),
    async find() {
      const go = await firstThat([{ command: process.env.BULKHEAD_GO ?? "go" }], ["version"], (output) => {
        const [, major, minor] = /go(\d+)\.(\d+)/.exec(output) ?? [];
        return Number(major) > 1 || Number(minor) >= 24;
      });
      if (go === undefined)
        return missing("Go 1.24 or later", ["https://go.dev/doc/install", "apt-get install golang (where that is 1.24 or later)"]);
      const program = { ...go, env: { GOOS: "wasip1", GOARCH: "wasm" } };
      return (folder, output) => run(program, ["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", output, "."], folder);
    },
  },
  c: {
    detects: (files) => files.some((file) => /\.(?:c|cc|cpp)$/.test(file)),
    async find(folder) {
      const clang = await firstThat([{ command: "clang" }], ["--target=wasm32-wasi", "-E", "-include", "stdio.h", "-x", "c", "/dev/null"]);
      const runtime = await run({ command: "clang" }, ["--target=wasm32-wasi", "-print-libgcc-file-name"], process.cwd());
      if (clang === undefined || !existsSync(runtime.output.trim())) {
        return missing("clang for wasm32-wasi (compiler, wasm-ld, wasi-libc, compiler-rt)", [
          "apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32",
          "https://github.com/WebAssembly/wasi-sdk (put its bin first in PATH)",
        ]);
      }
      const sources = readdirSync(folder).filter((file) => /\.(?:c|cc|cpp)$/.test(file));
      const isC = sources.every((file) => file.endsWith(".c"));
      // Debian has the standard library of C++ for Wasm in packages of its own; the SDK needs none of it.
      const library = isC ? "" : (await run({ command: "clang++" }, ["--target=wasm32-wasi", "-print-file-name=libc++.a"], folder)).output;
      const flags = [
        "--target=wasm32-wasi",
        "-mexec-model=reactor",
        ...(isC ? ["-std=c11"] : ["-std=c++17", "-fno-exceptions", ...(existsSync(library.trim()) ? [] : ["-nostdlib++"])]),
        "-O2",
        "-Wall",
        "-Wextra",
        "-Wl,--strip-debug",
      ];
      const include = `-I${join(sdkOf(folder, "c"), "include")}`;
      return (at, output) => run({ command: isC ? "clang" : "clang++" }, [...flags, include, "-o", output, ...sources], at);
    },
  },
  zig: {
    detects: (files) => files.includes("build.zig"),
    async find() {
      const named = process.env.BULKHEAD_ZIG;
      const zigs = [
        ...(named === undefined ? [] : [{ command: named }]),
        { command: "zig" },
        { command: "python3", args: ["-m", "ziglang"] },
      ];
      const zig = await firstThat(zigs, ["version"], (output) => Number(output.split(".")[1]) >= 17);
      if (zig === undefined) return missing("Zig 0.17 or later", ["pip install ziglang==0.17.1", "https://ziglang.org/download"]);
      return async (folder, output) => {
        const ran = await run(zig, ["build"], folder);
        const made = join(folder, "zig-out", "bin");
        const file = ran.ok ? readdirSync(made).find((name) => name.endsWith(".wasm")) : undefined;
        if (file !== undefined) await copyFile(join(made, file), output);
        return file === undefined && ran.ok ? { ok: false, output: "zig build made no zig-out/bin/*.wasm" } : ran;
      };
    },
  },
  typescript: {
    detects: (files) => files.includes("package.json"),
    async find(folder) {
      const sdk = sdkOf(folder, "typescript");
      const entry = ["src/index.ts", "src/index.js", "index.ts", "index.js"].find((file) => existsSync(join(folder, file)));
      if (entry === undefined) throw new HostError("invalid-message", `${folder} has no src/index.ts, src/index.js, index.ts or index.js`);
      const from = [folder, PACKAGE, dirname(dirname(PACKAGE))].find((at) => existsSync(join(at, "node_modules", "componentize-qjs")));
      if (from === undefined) return missing("componentize-qjs", ["npm install --save-dev --save-exact componentize-qjs@0.4.5"]);
      return (at, output) => run({ command: process.execPath, args: ["--no-warnings", join(sdk, "build.mjs")] }, [entry, output, from], at);
    },
  },
  python: {
    detects: (files) => files.includes("pyproject.toml") || files.some((file) => file.endsWith(".py")),
    async find(folder) {
      const name = pythonModule(folder);
      const named = process.env.BULKHEAD_PYTHON;
      const pythons = [named, join(folder, ".venv", "bin", "python"), "python3"].flatMap((command) =>
        command === undefined ? [] : [{ command }],
      );
      const python = await firstThat(pythons, ["-c", "import componentize_py"]);
      if (python === undefined) {
        return missing("componentize-py 0.25.1", [
          "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
          "pip install componentize-py==0.25.1",
        ]);
      }
      return (at, output) => run({ ...python, args: [join(sdkOf(folder, "python"), "src", "bulkhead_build.py")] }, [name, output], at);
    },
  },
};

/** The module with the entry points. Throws HostError `invalid-message`. */
function pythonModule(folder: string): string {
  const modules = readdirSync(folder).filter((file) => file.endsWith(".py"));
  const [first = "plugin.py"] = modules;
  if (modules.length === 0) throw new HostError("invalid-message", `${folder} has no module in Python: write plugin.py`);
  if (modules.length > 1 && !modules.includes("plugin.py")) {
    const message = `${folder} has several modules (${modules.join(", ")}); call the one with the entry points plugin.py, or keep the others in a package`;
    throw new HostError("invalid-message", message);
  }
  return (modules.length === 1 ? first : "plugin.py").slice(0, -".py".length);
}

function assemblyScriptCompiler(folder: string): string {
  const found = [join(folder, "node_modules"), join(PACKAGE, "node_modules"), join(PACKAGE, "..")]
    .map((modules) => join(modules, "assemblyscript", "bin", "asc.js"))
    .find((file) => existsSync(file));
  return found ?? missing("the compiler asc", ["npm install --save-dev --save-exact assemblyscript@0.28.20"]);
}

/** `entry` is a path in the folder. Throws like `findToolchain`. */
export function compileAssemblyScript(folder: string, entry: string, output: string): Promise<Ran> {
  const asc = join(sdkOf(folder, "assemblyscript"), "asc.js");
  return run({ command: process.execPath, args: [asc, assemblyScriptCompiler(folder)] }, [entry, output], folder);
}

/** The language of a plugin's folder. Throws HostError `invalid-message` when no file tells. */
export function languageOf(folder: string): Language {
  const files = readdirSync(folder);
  const found = LANGUAGES.find((language) => TOOLCHAINS[language].detects(files));
  if (found !== undefined) return found;
  const known = "assembly/, Cargo.toml, go.mod, build.zig, package.json, pyproject.toml or a .c file";
  throw new HostError("invalid-message", `${folder} holds no plugin's sources: there is no ${known}`);
}

/** Throws HostError `plugin-failed`, which says what is missing and how to get it. */
export const findToolchain = (language: Language, folder: string): Promise<Builder> => TOOLCHAINS[language].find(folder);

const crateName = (folder: string): string => {
  const [, name = ""] = /^\[package\][^[]*?^name\s*=\s*"([^"]+)"/ms.exec(readFileSync(join(folder, "Cargo.toml"), "utf8")) ?? [];
  return name.replaceAll("-", "_");
};
