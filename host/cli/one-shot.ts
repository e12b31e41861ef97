// One turn of one plugin in a process of its own, in a host that grants nothing and keeps nothing.

import { anyCellUser, resolveHardening } from "../cell/outside/hardening.ts";
import { createProcessCell } from "../cell/outside/process-cell.ts";
import { HostError } from "../core/errors.ts";
import { Host, type HostPorts } from "../core/host.ts";
import type { LogSink } from "../core/ports/log.ts";
import { startTrace } from "../core/trace.ts";
import type { CloudEvent, Limits, PluginImage, TurnOutcome } from "../core/types.ts";
import { memoryState } from "../drivers/state/memory.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { blockCodec } from "../engine/guest/blocks.ts";
import type { AdmittedPlugin } from "../install/plugin-folder.ts";
import { compileResource } from "../manifest/resources.ts";

export interface OneShot extends Pick<PluginImage, "api" | "reasons" | "schemas"> {
  readonly name: string;
  readonly limits: Limits;
  readonly config: Readonly<Record<string, string>>;
  readonly admitted: AdmittedPlugin;
  readonly entryPoint: string;
  readonly input: Uint8Array;
  readonly log: LogSink;
  /** Told of each event of its own that it publishes. */
  readonly onEvent: (event: CloudEvent) => void;
}

/** Rejects with the HostError of a start or a turn that failed. */
export async function runOnce(shot: OneShot): Promise<Extract<TurnOutcome, { ok: true }>> {
  const { name, limits, config, api, reasons, schemas, admitted, entryPoint, input, log, onEvent } = shot;
  const hardening = await resolveHardening();
  const user = hardening.users && anyCellUser(hardening.users);
  await using cell = createProcessCell({ clock: systemClock, log, storageDir: undefined, plugins: [name], hardening, user });
  const core = new Host(hostPorts(log));
  core.observe({ event: onEvent });
  const { module, report } = admitted;
  const { compileBytes } = report;
  const one = core.add(
    { ...NOTHING_ELSE, name, limits, config, api, reasons, schemas, module, compileBytes, entryPoints: [entryPoint] },
    cell,
  );
  await one.start();
  if (one.failure !== undefined) throw HostError.fromShape(one.failure);
  const deadline = systemClock.monotonicMs() + limits.deadlineMs;
  const caller = { kind: "host", name: "call" } as const;
  const outcome = await one.enter(entryPoint, input, { caller, traceparent: startTrace(), deadline, waiting: [], authorities: [] });
  await one.stop(0);
  if (outcome.ok) return outcome;
  throw HostError.fromShape(outcome.error);
}

/** Of what the plugin would be in a host nothing counts but this one export. */
const NOTHING_ELSE = {
  version: "0.0.0",
  ...{ services: [], subscriptions: [], permissions: [], grants: [], dependencies: [] },
} as const;

const hostPorts = (log: LogSink): HostPorts => ({
  ...{ clock: systemClock, log, hostMsPerSecond: 1_000, blocks: blockCodec },
  state: memoryState(systemClock),
  permissions: { compile: compileResource, onCheck: () => {} },
});
