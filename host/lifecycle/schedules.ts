// The schedules of a running host's plugins: those of their manifests and those that they set themselves.

import { once } from "node:events";
import { join } from "node:path";
import { Scheduler } from "../capabilities/schedules/scheduler.ts";
import { openScheduleStore } from "../capabilities/schedules/store.ts";
import { toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { KnownManifests } from "../manifest/known-manifests.ts";
import type { Leases, Opening } from "../seams.ts";

/** `core` is asked once plugins run, so it may be made later. Throws HostError `storage-failed`. */
export function openScheduler({ clock, log, dataDir }: Opening, core: () => Host): Scheduler {
  const store = openScheduleStore(join(dataDir, "schedules.sqlite"));
  return new Scheduler({ clock, log, store, plugin: (name) => core().plugin(name) });
}

/** Lets the scheduler enter plugins while this host holds the lease of schedules. */
export function contendForSchedules(scheduler: Scheduler, leases: Leases): AsyncDisposable {
  return leases.contend("schedules", async ({ lost, holds }) => {
    scheduler.heldBy(holds);
    if (!lost.aborted) await once(lost, "abort");
  });
}

export interface Following {
  readonly core: Host;
  readonly manifests: KnownManifests;
  /** Whether a plugin of this name is installed or configured, whether it can be read or not. */
  isKnown(name: string): boolean;
  tell(message: string, cause?: unknown): void;
}

/** Keeps the scheduler true to the plugins that there are, and forgets what belongs to none. Returns its undo. */
export function followPlugins(scheduler: Scheduler, { core, manifests, isKnown, tell }: Following): () => void {
  for (const plugin of new Set(scheduler.list().map((one) => one.plugin))) if (!isKnown(plugin)) scheduler.forget(plugin);
  return core.observe({
    state({ name, state }) {
      if (state !== "running") return;
      try {
        scheduler.declare(name, manifests.get(name)?.schedules ?? []);
      } catch (thrown) {
        tell(`the schedules of ${name} are not planned: ${toHostError(thrown).message}`, thrown);
      }
      scheduler.look();
    },
    plugins({ name }) {
      if (core.plugin(name) === undefined && !isKnown(name)) scheduler.forget(name);
    },
  });
}
