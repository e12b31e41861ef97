// The package as a user has it: packed from here and installed with npm into a folder of its own.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../docs/markdown.ts";

/** npm's words for a registry that cannot be reached. */
const NO_REGISTRY = /\b(EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ENOTFOUND|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/;
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];

export interface InstalledPackage {
  /** Why there is none: npm cannot reach its registry. */
  readonly missing: string | undefined;
  /** For the title of tests that are skipped then. */
  readonly skipped: string;
}

/** A shell's environment in which `node`, `npm` and `npx` are those of a user with this Node, not those of a checkout. */
export const userEnvironment = (): NodeJS.ProcessEnv => {
  const own = Object.entries(process.env).filter(([key]) => !key.startsWith("npm_") && key !== "INIT_CWD");
  return { ...Object.fromEntries(own), PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}` };
};

/** Runs npm as a user does, without notices; rejects with what it says on standard error. */
export const npm = (args: readonly string[], cwd: string): Promise<{ readonly stdout: string }> =>
  promisify(execFile)("npm", args, { cwd, env: userEnvironment() });

/** With `light`, without anything optional. */
export async function installPackage(folder: string, { light = false }: { readonly light?: boolean } = {}): Promise<InstalledPackage> {
  // dist/ is built already, by test/build.setup.ts.
  const { stdout } = await npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], ROOT);
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const omitted = light ? ["--omit=optional", "--omit=peer", "--omit=dev"] : [];
  try {
    await npm(["install", ...omitted, ...QUIET, `./${stdout.trim()}`], folder);
    return { missing: undefined, skipped: "" };
  } catch (cause) {
    const said = NO_REGISTRY.exec(String((cause as { stderr?: unknown }).stderr));
    if (said === null) throw cause;
    const missing = `npm cannot reach its registry: ${said[0]}`;
    return { missing, skipped: ` (skipped: ${missing})` };
  }
}
