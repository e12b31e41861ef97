// Packages that only this benchmark needs, some of them large: installed below .cache/ when it runs.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../.cache/neighbours/", import.meta.url));
const VERSIONS = { "isolated-vm": "7.0.1", "quickjs-emscripten": "0.32.0", workerd: "1.20261117.1" };

export function installPackages(): void {
  const wanted = JSON.stringify({ private: true, dependencies: VERSIONS });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}package.json`, wanted);
  if (existsSync(`${FOLDER}node_modules/workerd`)) return;
  execFileSync("npm", ["install", "--prefix", FOLDER, "--ignore-scripts", "--no-audit", "--no-fund"], { stdio: "inherit" });
}

/** The file that a package of these is entered by. */
export function resolvePackage(name: string): string {
  return createRequire(`${FOLDER}package.json`).resolve(name);
}
