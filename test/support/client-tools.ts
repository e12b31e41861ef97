// What scripts/install-clients.sh puts into the cache; what is missing is named, so that its tests are skipped with that name.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe } from "vitest";

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? "", ".cache"), "bulkhead-ci");
/** Where the packages of test/clients are. */
export const CLIENTS: string = join(CACHE, "clients", "node_modules");
export const SCHEMATHESIS: string = join(CACHE, "schemathesis", "bin", "schemathesis");
/** Reads Dockerfiles. */
export const HADOLINT: string = join(CACHE, "hadolint", "bin", "hadolint");
/** Reads files of Docker Compose, by the schema of its specification and by rules. */
export const DCLINT: string = join(CLIENTS, "dclint", "bin", "dclint.cjs");

/** The Python of an environment with grpcio and its reflection. */
export const GRPC_PYTHON: string = join(CACHE, "grpc-python", "bin", "python3");

/** A package of test/clients. */
export const clientPackage = (name: string): unknown => createRequire(join(CLIENTS, "x.js"))(name);

export function describeWithTool(at: string, title: string, tests: () => void): void {
  if (existsSync(at)) describe(title, tests);
  else describe.skip(`${title} (skipped: scripts/install-clients.sh was not run)`, tests);
}
