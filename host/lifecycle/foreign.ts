// Loads what the tables do not hold: packages and files of others, only by names that stand in the configuration file. And says which optional package
// is missing, for what is in the tables.

import { createRequire } from "node:module";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { Configuration } from "../manifest/configuration.ts";

/** What a package, or a file beside the configuration, exports under this name. It is trusted like the host itself. */
export async function foreign<T>(specifier: string, { folder }: Configuration, key: string, exported: string): Promise<T> {
  const isFile = specifier.startsWith("./") || specifier.startsWith("../") || isAbsolute(specifier);
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = await import(
      isFile ? pathToFileURL(join(isAbsolute(specifier) ? "" : folder, specifier)).href : packageUrl(specifier, folder)
    );
  } catch (cause) {
    const what = isFile ? "is the path of a module" : "is one of ours, or a package that is installed beside the configuration";
    throw new HostError("invalid-message", `${key} cannot be loaded; its name ${what}`, { cause, detail: escapeControls(String(cause)) });
  }
  if (typeof loaded[exported] === "object" && loaded[exported] !== null) return loaded[exported] as T;
  throw new HostError("invalid-message", `${key} exports no "${exported}"`);
}

const IMPORTED: ReadonlySet<string> = new Set(["node", "import", "default"]);

function packageUrl(specifier: string, folder: string): string {
  // Node 24 knows no conditions here, and finds by it what can be required.
  const { resolve } = createRequire(join(folder, "bulkhead.json")) as { resolve(name: string, options: object): string };
  return pathToFileURL(resolve(specifier, { conditions: IMPORTED })).href;
}

/** Opens something of our tables. Rejects with HostError `invalid-message` and the command that installs what is missing, when that is why it cannot be. */
export async function openOurs<T>(
  { name, packages = {} }: { readonly name: string; readonly packages?: Readonly<Record<string, string>> | undefined },
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const missing = Object.keys(packages).filter((one) => cause instanceof Error && cause.message.includes(`'${one}'`));
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND" || missing.length === 0) throw cause;
    const message = `${name} needs the package ${missing.join(", ")}, which is not installed: ${installCommand(packages)}`;
    throw new HostError("invalid-message", message, { cause });
  }
}

/** What installs packages of these ranges. */
export const installCommand = (packages: Readonly<Record<string, string>>): string =>
  `npm install ${Object.entries(packages)
    .map(([one, range]) => `"${one}@${range}"`)
    .join(" ")}`;
