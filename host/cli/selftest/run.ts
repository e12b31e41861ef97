// Runs the hostile suite against a host made for it, with a polite neighbour that is called all the while.

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { admitInProcess } from "../../cell/admission-process.ts";
import { toHostError } from "../../core/errors.ts";
import type { LogLine } from "../../core/ports.ts";
import { startTrace } from "../../core/trace.ts";
import { parseConfiguration } from "../../install/configuration.ts";
import { DEFAULT_LIMITS } from "../../install/limits.ts";
import { createHost, type RunningHost } from "../../main.ts";
import { ATTACKER_LIMITS, MODULE_ATTACKS, TURN_ATTACKS } from "./attacks.ts";

export type Isolation = "inline" | "thread" | "process";

export interface AttackResult {
  readonly attack: string;
  readonly isolation: Isolation | "admission";
  /** What must stop it. */
  readonly limit: string;
  /** What came of it: an error code, an answer, a reason. */
  readonly outcome: string;
  readonly ms: number;
  /** The longest that the neighbour waited for an answer meanwhile; -1 when it got none. */
  readonly neighbourMs: number;
  /** The attack was stopped by what must stop it, and host and neighbour kept serving. */
  readonly held: boolean;
}

// Both beside host/ in the checkout and beside dist/ in the package.
const SUITE = new URL("../../../test/hostile/", import.meta.url);
const NEIGHBOUR_LIMIT_MS = 2_000;
const PROBE_INTERVAL_MS = 10;
// A host function's result begins with a byte that says whether it is an error (docs/abi.md).
const RESULT_TAG = /^[^ -~]/;
const MAX_OUTCOME_LENGTH = 60;
const CRASHES_TO_QUARANTINE = 40;
const ATTACK_SPACING_MS = 15_000;
// Failures closer together count as one.
const CRASH_SPACING_MS = 25;

/** Runs all attacks in this isolation and tells of each as it ends. */
export async function runSuite(isolation: Isolation, tell: (result: AttackResult) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-selftest-"));
  try {
    const lines: LogLine[] = [];
    const host = await createHost({ configuration: await writeHost(folder, isolation), log: { write: (line) => void lines.push(line) } });
    try {
      for (const { name, entryPoint, limit, expected } of TURN_ATTACKS) {
        tell(
          await attack(host, name, isolation, limit, expected, () => call(host, `attacker.${entryPoint.replaceAll("_", "-")}`, "flood")),
        );
      }
      tell(await attack(host, "crash loop", isolation, "quarantine", /^quarantined$/, () => crashLoop(host)));
    } finally {
      await host.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the attacks that admission must refuse. */
export async function runAdmissionSuite(tell: (result: AttackResult) => void): Promise<void> {
  for (const { name, module, limit, expected } of MODULE_ATTACKS) {
    const start = performance.now();
    const wasm = new Uint8Array(await readFile(new URL(`${module}.wasm`, SUITE)));
    const outcome = await admitInProcess(wasm, DEFAULT_LIMITS).then(
      () => "admitted",
      (thrown) => toHostError(thrown).detail ?? toHostError(thrown).message,
    );
    const ms = performance.now() - start;
    const held = expected.test(outcome.replaceAll("\n", " "));
    tell({ attack: name, isolation: "admission", limit, outcome: outcome.slice(0, MAX_OUTCOME_LENGTH), ms, neighbourMs: 0, held });
  }
}

async function writeHost(folder: string, isolation: Isolation): Promise<ReturnType<typeof parseConfiguration>> {
  const attacks = TURN_ATTACKS.map(({ entryPoint }) => [`attacker.${entryPoint.replaceAll("_", "-")}`, { entryPoint }]);
  await writePlugin(folder, "polite", { "polite.echo": { entryPoint: "echo" } });
  const permissions = [{ permission: "services.call", resource: "**", reason: "to attack" }];
  await writePlugin(folder, "attacker", Object.fromEntries(attacks), permissions);
  await writePlugin(folder, "crasher", { "crasher.trap": { entryPoint: "trap" } }, [], "attacker");
  const own = [{ permission: "services.call", resource: "attacker.*" }];
  const configuration = {
    adapters: { http: false },
    // Every attack is one failure of the attacker; the crash loop is what must go beyond all of them.
    containment: {
      pauseAfter: CRASHES_TO_QUARANTINE,
      quarantineAfter: CRASHES_TO_QUARANTINE,
      windowMs: ATTACK_SPACING_MS * CRASHES_TO_QUARANTINE,
    },
    plugins: {
      polite: { path: "polite", isolation },
      attacker: { path: "attacker", isolation, grants: own, limits: ATTACKER_LIMITS },
      crasher: { path: "crasher", isolation },
    },
  };
  return parseConfiguration(JSON.stringify(configuration), join(folder, "bulkhead.json"));
}

async function writePlugin(
  folder: string,
  name: string,
  services: object,
  permissions: readonly object[] = [],
  module = name,
): Promise<void> {
  await mkdir(join(folder, name));
  await copyFile(new URL(`${module}.wasm`, SUITE), join(folder, name, "plugin.wasm"));
  const manifest = { name, version: "1.0.0", api: "0.1", wasm: "plugin.wasm", services, permissions };
  await writeFile(join(folder, name, "plugin.json"), JSON.stringify(manifest));
}

async function attack(
  host: RunningHost,
  name: string,
  isolation: Isolation,
  limit: string,
  expected: RegExp,
  strike: () => Promise<string>,
): Promise<AttackResult> {
  const start = performance.now();
  let striking = true;
  const struck = strike().finally(() => {
    striking = false;
  });
  let neighbourMs = 0;
  do {
    neighbourMs = Math.max(neighbourMs, await probe(host));
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
  } while (striking && Number.isFinite(neighbourMs));
  const outcome = await struck;
  const ms = performance.now() - start;
  // Once more: what an attack leaves behind must not hurt either.
  neighbourMs = Math.max(neighbourMs, await probe(host));
  const held = expected.test(outcome) && neighbourMs < NEIGHBOUR_LIMIT_MS;
  return {
    attack: name,
    isolation,
    limit,
    outcome: outcome.slice(0, MAX_OUTCOME_LENGTH),
    ms,
    neighbourMs: Number.isFinite(neighbourMs) ? neighbourMs : -1,
    held,
  };
}

/** Milliseconds until the neighbour has answered; infinite when it has not, or wrongly. */
async function probe(host: RunningHost): Promise<number> {
  const start = performance.now();
  const answer = await call(host, "polite.echo", "still there?");
  return answer === "still there?" ? performance.now() - start : Number.POSITIVE_INFINITY;
}

/** The output of a service, or the code of its error. */
function call(host: RunningHost, service: string, text: string): Promise<string> {
  const payload = new TextEncoder().encode(text);
  const caller = { kind: "host", name: "selftest" } as const;
  return host.core.services.call({ service, payload, caller, traceparent: startTrace() }).then(
    (output) => new TextDecoder().decode(output).replace(RESULT_TAG, ""),
    (thrown) => toHostError(thrown).code,
  );
}

/** Traps until the plugin is quarantined; answers with its state in the end. */
async function crashLoop(host: RunningHost): Promise<string> {
  for (let i = 0; i < 2 * CRASHES_TO_QUARANTINE && host.core.plugin("crasher")?.state === "running"; i += 1) {
    await call(host, "crasher.trap", "");
    await new Promise((resolve) => setTimeout(resolve, CRASH_SPACING_MS));
  }
  return host.core.plugin("crasher")?.state ?? "gone";
}
