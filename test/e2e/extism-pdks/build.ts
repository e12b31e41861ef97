// Builds the plugins for Extism beside this file, in a copy that is kept below .cache/: a compiler's own cache makes the next build short.

import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findToolchain } from "../../../host/cli/toolchains/languages.ts";
import { type Program, run } from "../../../host/cli/toolchains/tools.ts";

const CACHE = fileURLToPath(new URL("../../../.cache/extism-pdks", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const WASIP1 = "wasm32-wasip1";

/** Rejects with what the compiler says. */
export async function buildPdkPlugin(language: "rust" | "go"): Promise<Uint8Array<ArrayBuffer>> {
  const folder = copyOf(language);
  const output = join(folder, "plugin.wasm");
  const build = await findToolchain(language, folder);
  return built(await build(folder, output), output);
}

/** Builds the plugin in Rust with the other of Extism's two targets, the one with WASI. */
export async function buildForWasip1({ program, args }: Wasip1): Promise<Uint8Array<ArrayBuffer>> {
  const folder = copyOf("rust");
  // Apart from the others' folder, whose lock a build of the standard library would hold for minutes.
  const target = join(process.env.CARGO_TARGET_DIR ?? join(folder, "target"), "wasip1");
  // The standard library is built as well, which takes half as long when nothing is optimised.
  const quick = { CARGO_PROFILE_RELEASE_OPT_LEVEL: "0", CARGO_PROFILE_RELEASE_LTO: "off", CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16" };
  const quickly = { ...program, env: { ...program.env, ...quick } };
  const ran = await run(quickly, ["build", "--release", "--target", WASIP1, "--target-dir", target, ...args], folder);
  return built(ran, join(target, WASIP1, "release", "extism_rust.wasm"));
}

interface Wasip1 {
  readonly program: Program;
  readonly args: readonly string[];
}

/**
 * Rust for wasm32-wasip1: rustup's, else Debian's sources of the standard library with Debian's wasi-libc. `bulkhead build` does without this target, so its
 * table has no line for it.
 */
export async function findWasip1(): Promise<Wasip1 | { readonly missing: string }> {
  const rustup = { command: "cargo" };
  if (existsSync(join(await sysroot("rustc"), "lib", "rustlib", WASIP1))) return { program: rustup, args: [] };
  const { output } = await run({ command: "clang" }, ["--target=wasm32-wasi", "-print-file-name=crt1-reactor.o"], HERE);
  const libc = dirname(output.trim());
  const sources = join(await sysroot("/usr/bin/rustc"), "lib", "rustlib", "src", "rust", "library", "Cargo.lock");
  if (!existsSync(join(libc, "libc.a")) || !existsSync(sources)) return { missing: `Rust for ${WASIP1} is missing` };
  const flags = ["link-self-contained=no", `link-arg=${join(libc, "crt1-reactor.o")}`, "link-arg=--export=_initialize"].map(
    (flag) => `-C${flag}`,
  );
  const env = {
    PATH: "/usr/bin:/bin",
    RUSTC_BOOTSTRAP: "1",
    CARGO_TARGET_WASM32_WASIP1_LINKER: "wasm-ld",
    CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS: [...flags, `-Lnative=${libc}`].join(" "),
  };
  return { program: { command: "/usr/bin/cargo", env }, args: ["-Z", "build-std=std,panic_abort"] };
}

const sysroot = async (rustc: string): Promise<string> => (await run({ command: rustc }, ["--print", "sysroot"], HERE)).output.trim();

function copyOf(language: "rust" | "go"): string {
  const folder = join(CACHE, language);
  mkdirSync(folder, { recursive: true });
  // Cargo goes by the time of change.
  cpSync(fileURLToPath(new URL(language, import.meta.url)), folder, { recursive: true, preserveTimestamps: true });
  return folder;
}

function built({ ok, output }: { readonly ok: boolean; readonly output: string }, file: string): Uint8Array<ArrayBuffer> {
  if (!ok) throw new Error(`the plugin for Extism does not compile:\n${output}`);
  return new Uint8Array(readFileSync(file));
}
