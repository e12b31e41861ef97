// Makes package-lock.json, and that of the tests' clients, complete after `npm install` against a registry that serves this machine's platform only: npm
// 11.19 leaves optional packages of other platforms out that it cannot look up, and `npm ci` then refuses the lockfile.
// Adds what is missing, without integrity, so that it is skipped here and fetched where it applies.

import { readFile, writeFile } from "node:fs/promises";

interface LockedPackage {
  version?: string;
  resolved?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const FILES = ["../package-lock.json", "../test/clients/package-lock.json"].map((path) => new URL(path, import.meta.url));
const OS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const CPU = ["arm64", "arm", "ia32", "loong64", "ppc64", "riscv64", "s390x", "x64", "wasm32"];

/** Those whose names say it otherwise. */
const NAMED: Readonly<Record<string, string>> = { fsevents: "darwin", "napi-windows-process-start-time": "win32" };

/** Platform fields from a name such as `@biomejs/cli-linux-x64-musl`. */
function platformOf(name: string): Pick<LockedPackage, "os" | "cpu" | "libc"> {
  const parts = name.split(/[/-]/);
  const os = OS.find((candidate) => parts.includes(candidate)) ?? NAMED[name];
  const cpu = CPU.find((candidate) => parts.includes(candidate));
  const libc = parts.includes("musl") ? "musl" : undefined;
  if (os === undefined && cpu !== "wasm32") throw new Error(`${name} names no platform; add it to scripts/complete-lockfile.ts`);
  return { ...(os ? { os: [os] } : {}), ...(cpu ? { cpu: [cpu] } : {}), ...(libc ? { libc: [libc] } : {}) };
}

/** Answers how many were missing. */
async function complete(file: URL): Promise<number> {
  const lock = JSON.parse(await readFile(file, "utf8")) as { packages: Record<string, LockedPackage> };
  let added = 0;
  for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`;
      if (lock.packages[path] !== undefined) continue;
      // Of a range the least, which there is.
      lock.packages[path] = { version: version.replace(/^[~^]/, ""), ...(dev ? { dev } : {}), optional: true, ...platformOf(name) };
      added += 1;
    }
  }
  // Where a package came from depends on the machine, so it is not written down; its integrity is.
  for (const locked of Object.values(lock.packages)) delete locked.resolved;
  const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(file, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
  return added;
}

for (const file of FILES) console.log(`${await complete(file)} optional packages of other platforms added`);
