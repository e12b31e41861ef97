// What the host tells of itself, as metrics: each with its name, unit and labels. docs/metrics.md is made from this file's words.

import type { Metric, MetricHistogram, MetricSample } from "../seams.ts";
import { BOUNDS, type Histogram } from "./histogram.ts";
import type { Totals } from "./totals.ts";

type Labels = Readonly<Record<string, string>>;
type Samples = Iterable<MetricSample>;

/** How things are at this moment. */
export interface Present {
  readonly version: string;
  readonly plugins: readonly {
    readonly name: string;
    readonly version: string;
    readonly state: string;
    readonly queued: number;
    /** Undefined where it keeps nothing in files of its own. */
    readonly storageBytes: number | undefined;
    /** Of one that hibernates: what is kept of it while it sleeps. */
    readonly asleepBytes: number | undefined;
  }[];
  readonly cells: readonly { readonly name: string; readonly restarts: number; readonly residentBytes: number | undefined }[];
  /** Those who hear kept events. */
  readonly consumers: readonly { readonly name: string; readonly waiting: number; readonly deadLetters: number }[];
  readonly loopLag: Histogram;
  readonly process: { readonly cpuSeconds: number; readonly residentBytes: number; readonly uptimeSeconds: number };
}

/** All metrics, in the order in which they are shown. */
export function metricsOf(totals: Totals, present: Present): readonly Metric[] {
  return TABLE.map(({ samples, ...metric }) => ({ ...metric, samples: [...samples({ totals, present })] }));
}

interface Source {
  readonly totals: Totals;
  readonly present: Present;
}

type Row = Omit<Metric, "samples"> & { samples(source: Source): Samples };

const row = (
  name: string,
  [kind, unit]: readonly [Metric["kind"], Metric["unit"]?],
  help: string,
  samples: (source: Source) => Samples,
): Row => ({ name: `bulkhead_${name}`, kind, unit, help, samples });

const of = (labels: Labels, value: number | MetricHistogram): MetricSample => ({ labels, value });

const histogramOf = ({ counts, sum }: Histogram): MetricHistogram => ({ bounds: BOUNDS, counts: [...counts], sum });

function* each<T, U>(all: Iterable<T>, of: (one: T) => Iterable<U>): Generator<U> {
  for (const one of all) yield* of(one);
}

const TABLE: readonly Row[] = [
  row("info", ["gauge"], "Which Bulkhead this is.", function* ({ present }) {
    yield of({ version: present.version, node: process.versions.node }, 1);
  }),
  row("turns", ["counter"], "Turns that have ended, by how.", ({ totals }) =>
    each(totals.plugins, ([plugin, { entryPoints }]) =>
      each(entryPoints, ([entry_point, { outcomes }]) => [...outcomes].map(([code, count]) => of({ plugin, entry_point, code }, count))),
    ),
  ),
  row("turn_seconds", ["histogram", "seconds"], "From the first slice of a turn to its end, waiting for answers included.", ({ totals }) =>
    each(totals.plugins, ([plugin, { entryPoints }]) =>
      [...entryPoints].map(([entry_point, { run }]) => of({ plugin, entry_point }, histogramOf(run))),
    ),
  ),
  row("turn_queue_seconds", ["histogram", "seconds"], "How long turns waited for their first slice.", ({ totals }) =>
    [...totals.plugins].map(([plugin, { queue }]) => of({ plugin }, histogramOf(queue))),
  ),
  row("turn_cpu_seconds", ["counter", "seconds"], "CPU time of turns.", ({ totals }) =>
    each(totals.plugins, ([plugin, { entryPoints }]) =>
      [...entryPoints].map(([entry_point, { cpuSeconds }]) => of({ plugin, entry_point }, cpuSeconds)),
    ),
  ),
  row("guest_calls", ["counter"], "What guests have asked of their cell and of the host.", ({ totals }) =>
    [...totals.plugins].map(([plugin, { calls }]) => of({ plugin }, calls)),
  ),
  row("host_calls", ["counter"], "What guests have asked of the host, by how it ended.", ({ totals }) =>
    each(totals.plugins, ([plugin, { hostCalls }]) =>
      each(hostCalls, ([name, outcomes]) => [...outcomes].map(([code, count]) => of({ plugin, function: name, code }, count))),
    ),
  ),
  row("denials", ["counter"], "Checks of a permission that refused.", ({ totals }) =>
    each(totals.denials, ([plugin, permissions]) => [...permissions].map(([permission, { count }]) => of({ plugin, permission }, count))),
  ),
  row("plugin_info", ["gauge"], "Which version of a plugin there is.", ({ present }) =>
    present.plugins.map(({ name, version }) => of({ plugin: name, version }, 1)),
  ),
  row("plugin_state", ["gauge"], "1 for the state in which a plugin is.", ({ present }) =>
    present.plugins.map(({ name, state }) => of({ plugin: name, state }, 1)),
  ),
  row("mailbox_turns", ["gauge"], "Turns that wait or run.", ({ present }) =>
    present.plugins.map(({ name, queued }) => of({ plugin: name }, queued)),
  ),
  row("plugin_memory_bytes", ["gauge", "bytes"], "Linear memory and blocks of a plugin's instance, after its last turn.", ({ totals }) =>
    [...totals.plugins].map(([plugin, { memoryBytes }]) => of({ plugin }, memoryBytes)),
  ),
  row("storage_bytes", ["gauge", "bytes"], "The files in which a plugin keeps what it stores.", ({ present }) =>
    present.plugins.flatMap(({ name, storageBytes }) => (storageBytes === undefined ? [] : [of({ plugin: name }, storageBytes)])),
  ),
  row("asleep_bytes", ["gauge", "bytes"], "What is kept on the disk of a plugin that hibernates, 0 while it is awake.", ({ present }) =>
    present.plugins.flatMap(({ name, asleepBytes }) => (asleepBytes === undefined ? [] : [of({ plugin: name }, asleepBytes)])),
  ),
  row("cell_memory_bytes", ["gauge", "bytes"], "Resident memory of a cell's process.", ({ present }) =>
    present.cells.flatMap(({ name, residentBytes }) => (residentBytes === undefined ? [] : [of({ cell: name }, residentBytes)])),
  ),
  row("cell_restarts", ["counter"], "How often a cell was replaced.", ({ present }) =>
    present.cells.map(({ name, restarts }) => of({ cell: name }, restarts)),
  ),
  row("service_calls", ["counter"], "Calls of services, by how they ended.", ({ totals }) =>
    each(totals.services, ([service, { outcomes }]) => [...outcomes].map(([code, count]) => of({ service, code }, count))),
  ),
  row("service_seconds", ["histogram", "seconds"], "How long calls of services took.", ({ totals }) =>
    [...totals.services].map(([service, { took }]) => of({ service }, histogramOf(took))),
  ),
  row("events", ["counter"], "Events that were published, by the first segment of their type.", ({ totals }) =>
    [...totals.events].map(([owner, types]) => of({ owner }, sum([...types].map(([, { published }]) => published)))),
  ),
  row("events_dropped", ["counter"], "Events that a subscriber did not handle, and that nobody keeps for it.", ({ totals }) =>
    each(totals.plugins, ([plugin, { unhandled }]) => [...unhandled].map(([code, count]) => of({ plugin, code }, count))),
  ),
  row("events_waiting", ["gauge"], "Kept events that wait for a subscriber.", ({ present }) =>
    present.consumers.map(({ name, waiting }) => of({ consumer: name }, waiting)),
  ),
  row("dead_letters", ["gauge"], "Kept events that a subscriber did not handle however often it was tried.", ({ present }) =>
    present.consumers.map(({ name, deadLetters }) => of({ consumer: name }, deadLetters)),
  ),
  row("door_requests", ["counter"], "What was asked of a door, by how it ended.", ({ totals }) =>
    each(totals.doors, ([door, all]) =>
      each(all, ([asked, outcomes]) => [...outcomes].map(([code, count]) => of({ door, asked, code }, count))),
    ),
  ),
  row("admission_seconds", ["histogram", "seconds"], "How long it took to admit a module.", function* ({ totals }) {
    yield of({}, histogramOf(totals.admissions));
  }),
  row("event_loop_lag_seconds", ["histogram", "seconds"], "How late the host's event loop came to what was due.", function* ({ present }) {
    yield of({}, histogramOf(present.loopLag));
  }),
  row("process_cpu_seconds", ["counter", "seconds"], "CPU time of the host's process, without its cells.", function* ({ present }) {
    yield of({}, present.process.cpuSeconds);
  }),
  row("process_memory_bytes", ["gauge", "bytes"], "Resident memory of the host's process, without its cells.", function* ({ present }) {
    yield of({}, present.process.residentBytes);
  }),
  row("uptime_seconds", ["gauge", "seconds"], "Since the host's process started.", function* ({ present }) {
    yield of({}, present.process.uptimeSeconds);
  }),
];

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
