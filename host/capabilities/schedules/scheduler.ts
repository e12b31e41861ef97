// Enters plugins when their schedules come due: one turn of each at a time, spread where many come at once, and what was missed as each schedule says. It decides
// by the wall clock, looked at every minute at least, so that a clock that jumps is noticed.

import { HostError, toHostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import { RateLimit } from "../../core/rate-limit.ts";
import { startTrace } from "../../core/trace.ts";
import type { Caller, Limits, TurnOutcome } from "../../core/types.ts";
import type { Missed, Schedule, ScheduleStore } from "./store.ts";
import { checkTimes, nextAfter, type Times } from "./times.ts";

/** What is asked for by a manifest or a plugin. */
export interface ScheduleRequest {
  readonly name: string;
  readonly entryPoint: string;
  readonly times: Times;
  readonly missed: Missed;
}

/** The plugins that there are, as the core has them. */
export interface ScheduledPlugin {
  readonly name: string;
  readonly state: string;
  readonly definition: { readonly limits: Limits; readonly entryPoints: readonly string[] };
  enter(
    entryPoint: string,
    input: string,
    context: { caller: Caller; traceparent: string; deadline: number; waiting: readonly string[]; authorities: readonly never[] },
  ): Promise<TurnOutcome>;
}

export interface SchedulerPorts {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly store: ScheduleStore;
  plugin(name: string): ScheduledPlugin | undefined;
}

const MAX_SCHEDULES = 100;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const MINUTE_MS = 60_000;
/** How late a time may be and still count as kept. */
const GRACE_MS = MINUTE_MS;
/** Of all plugins together: what comes more waits. */
const ALL_PER_MINUTE = 1_200;
const AT_ONCE = 8;
const SPREAD_MS = 50;
const FULL_MS = 1_000;
const SCHEDULES: Caller = Object.freeze({ kind: "host", name: "schedules" });

interface Planned {
  schedule: Schedule;
  isRunning: boolean;
}

interface Due {
  readonly schedule: Schedule;
  readonly nextMs: number;
  readonly plugin: ScheduledPlugin;
}

export class Scheduler {
  readonly #ports: SchedulerPorts;
  readonly #planned = new Map<string, Map<string, Planned>>();
  readonly #rates = new Map<string, { readonly perMinute: number; readonly rate: RateLimit }>();
  readonly #all: RateLimit;
  #cancel: (() => void) | undefined;
  /** On the monotonic clock. */
  #notBefore = 0;
  #isClosed = false;
  #holds: () => boolean = () => false;

  constructor(ports: SchedulerPorts) {
    this.#ports = ports;
    this.#all = new RateLimit(ports.clock, ALL_PER_MINUTE, MINUTE_MS);
    for (const schedule of ports.store.all()) this.#of(schedule.plugin).set(schedule.name, { schedule, isRunning: false });
  }

  /** What a plugin's manifest says from now on; what it said before and says no more ends. Throws HostError `invalid-message`, `storage-failed`. */
  declare(plugin: string, requests: readonly ScheduleRequest[]): void {
    const own = this.#of(plugin);
    for (const { schedule } of [...own.values()])
      if (schedule.byManifest && !requests.some(({ name }) => name === schedule.name)) this.#drop(schedule);
    for (const request of requests) {
      const before = own.get(request.name)?.schedule;
      if (before?.byManifest === true && isSame(before, request)) continue;
      this.#plan(this.#made(plugin, request, true));
    }
    this.#arm();
  }

  /** Answers the next time. Throws HostError `invalid-message`, `conflict`, `quota-exceeded`, `storage-failed`. */
  set(plugin: string, request: ScheduleRequest): number {
    const { name, entryPoint } = request;
    if (!NAME.test(name))
      throw new HostError("invalid-message", `"${printable(name)}" is no name of a schedule; write 1 to 64 of a-z 0-9 -`);
    if (!(this.#ports.plugin(plugin)?.definition.entryPoints ?? []).includes(entryPoint))
      throw new HostError("invalid-message", `${plugin} has no entry point "${printable(entryPoint)}" for the schedule ${name}`);
    const own = this.#of(plugin);
    this.#refuseDeclared(own, name);
    if (!own.has(name) && own.size >= MAX_SCHEDULES)
      throw new HostError("quota-exceeded", `${plugin} has ${own.size} schedules, which is the limit; cancel one first`);
    const schedule = this.#made(plugin, request, false);
    if (schedule.nextMs === undefined) throw new HostError("invalid-message", `the schedule ${name} never comes due`);
    this.#plan(schedule);
    this.#arm();
    return schedule.nextMs;
  }

  /** Throws HostError `conflict` for one of the manifest, `storage-failed`. */
  cancel(plugin: string, name: string): boolean {
    const own = this.#of(plugin);
    this.#refuseDeclared(own, name);
    const found = own.get(name);
    if (found === undefined) return false;
    this.#drop(found.schedule);
    return true;
  }

  /** By name; of all plugins, by plugin and name, without one. */
  list(plugin?: string): readonly Schedule[] {
    const all = [...this.#planned].filter(([name]) => plugin === undefined || name === plugin).flatMap(([, own]) => [...own.values()]);
    const key = ({ schedule }: Planned): string => `${schedule.plugin} ${schedule.name}`;
    return all.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).map(({ schedule }) => schedule);
  }

  /** Forgets all that a plugin has; for one that is gone for good. */
  forget(plugin: string): void {
    for (const { schedule } of [...this.#of(plugin).values()]) this.#drop(schedule);
    this.#planned.delete(plugin);
  }

  /**
   * From now on it enters plugins as long as `holds` says that of several hosts this is the one. What came before is missed by this host, whether another has
   * entered it or not.
   */
  heldBy(holds: () => boolean): void {
    this.#holds = holds;
    this.#arm();
  }

  /** To be called when a plugin begins to run. */
  look(): void {
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#ports.store.close();
  }

  #of(plugin: string): Map<string, Planned> {
    const found = this.#planned.get(plugin) ?? new Map<string, Planned>();
    this.#planned.set(plugin, found);
    return found;
  }

  #refuseDeclared(own: ReadonlyMap<string, Planned>, name: string): void {
    if (own.get(name)?.schedule.byManifest !== true) return;
    throw new HostError("conflict", `the schedule ${name} stands in the manifest; take another name`);
  }

  #made(plugin: string, { name, entryPoint, times, missed }: ScheduleRequest, byManifest: boolean): Schedule {
    checkTimes(times);
    const now = this.#ports.clock.now();
    return { plugin, name, entryPoint, times, missed, byManifest, anchorMs: now, nextMs: nextAfter(times, now, now) };
  }

  #plan(schedule: Schedule): void {
    this.#ports.store.put(schedule);
    const own = this.#of(schedule.plugin);
    own.set(schedule.name, { schedule, isRunning: own.get(schedule.name)?.isRunning === true });
  }

  #drop({ plugin, name }: Schedule): void {
    this.#ports.store.remove(plugin, name);
    this.#of(plugin).delete(name);
  }

  /** What may be entered when it comes due. */
  #waiting(): Due[] {
    const found: Due[] = [];
    for (const own of this.#planned.values())
      for (const { schedule, isRunning } of own.values()) {
        const { nextMs } = schedule;
        const plugin = this.#ports.plugin(schedule.plugin);
        if (plugin?.state === "running" && !isRunning && nextMs !== undefined) found.push({ schedule, nextMs, plugin });
      }
    return found;
  }

  #arm(): void {
    if (this.#isClosed || !this.#holds()) return;
    let soonest = Number.POSITIVE_INFINITY;
    for (const { nextMs } of this.#waiting()) soonest = Math.min(soonest, nextMs);
    this.#cancel?.();
    this.#cancel = undefined;
    if (soonest === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#ports;
    this.#wait(Math.min(Math.max(0, soonest - clock.now(), this.#notBefore - clock.monotonicMs()), MINUTE_MS));
  }

  #wait(ms: number): void {
    this.#cancel = this.#ports.clock.after(ms, () => {
      this.#cancel = undefined;
      this.#fireDue();
    });
  }

  #fireDue(): void {
    if (!this.#holds()) return;
    const now = this.#ports.clock.now();
    const due = this.#waiting()
      .filter(({ nextMs }) => nextMs <= now)
      .toSorted((a, b) => a.nextMs - b.nextMs);
    const missed = due.filter(({ schedule, nextMs }) => now - nextMs > GRACE_MS && schedule.missed === "skip");
    for (const { schedule } of missed) this.#advance(schedule, now);
    const waiting = due.filter((one) => !missed.includes(one));
    let fired = 0;
    for (const one of waiting) {
      if (fired === AT_ONCE) break;
      if (!this.#mayFire(one.plugin)) continue;
      this.#fire(one, now);
      fired += 1;
    }
    // Those that are left come after a pause, whatever asks for a look until then.
    if (waiting.length > 0) this.#notBefore = this.#ports.clock.monotonicMs() + SPREAD_MS;
    this.#arm();
  }

  #mayFire({ name, definition }: ScheduledPlugin): boolean {
    const perMinute = definition.limits.schedulesPerMinute;
    const known = this.#rates.get(name);
    const own = known?.perMinute === perMinute ? known : { perMinute, rate: new RateLimit(this.#ports.clock, perMinute, MINUTE_MS) };
    this.#rates.set(name, own);
    return own.rate.take(1) && this.#all.take(1);
  }

  #fire({ schedule, nextMs, plugin }: Due, now: number): void {
    const planned = this.#of(schedule.plugin).get(schedule.name);
    if (planned === undefined) return;
    planned.isRunning = true;
    const { name, entryPoint } = schedule;
    const input = JSON.stringify({ name, due: new Date(nextMs).toISOString(), late: now - nextMs });
    const deadline = this.#ports.clock.monotonicMs() + plugin.definition.limits.deadlineMs;
    const context = { caller: SCHEDULES, traceparent: startTrace(), deadline, waiting: [], authorities: [] };
    void plugin.enter(entryPoint, input, context).then((outcome) => {
      if (!outcome.ok && outcome.error.code === "queue-full") return this.#later(planned);
      planned.isRunning = false;
      if (!outcome.ok) this.#tell(schedule, outcome.error.message);
      // One that stopped meanwhile has not had its time: it counts as missed.
      const isOver = outcome.ok || outcome.error.code !== "plugin-not-running";
      if (isOver && planned.schedule === schedule && !this.#isClosed) this.#advance(schedule, this.#ports.clock.now());
      this.#arm();
    });
  }

  // As long as its queue is full, it is not asked again and again.
  #later(planned: Planned): void {
    this.#ports.clock.after(FULL_MS, () => {
      planned.isRunning = false;
      this.#arm();
    });
  }

  /** Written down once the turn has ended: who dies before has not had it. */
  #advance(schedule: Schedule, now: number): void {
    try {
      this.#plan({ ...schedule, nextMs: nextAfter(schedule.times, now, schedule.anchorMs) });
    } catch (thrown) {
      this.#tell(schedule, toHostError(thrown).message);
      this.#of(schedule.plugin).delete(schedule.name);
    }
  }

  #tell({ plugin, name }: Schedule, why: string): void {
    this.#ports.log.write({ level: "warning", plugin: "host", about: plugin, message: `the schedule ${name} of ${plugin} failed: ${why}` });
  }
}

function isSame(schedule: Schedule, { entryPoint, times, missed }: ScheduleRequest): boolean {
  return schedule.entryPoint === entryPoint && schedule.missed === missed && JSON.stringify(schedule.times) === JSON.stringify(times);
}
