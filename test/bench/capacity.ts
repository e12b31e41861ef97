// What a machine carries, as whoever buys one asks: what one more plugin takes and how many fit into a GB, how many turns a second, how soon a host with many is
// there. Hosts are those that `bulkhead serve` runs, with all that holds cells here; each plugin has used its storage once. Needs Linux.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { figure, median, type Row, slower } from "./measure.ts";
import { configure, type Isolation, proportionalBytes, put, serve } from "./serving.ts";

const FEW: Readonly<Record<Isolation, number>> = { process: 5, inline: 100 };
const MANY: Readonly<Record<Isolation, number>> = { process: 30, inline: 1_000 };
/** Of the time that a host with a tenth of the plugins takes. */
const MOST_START = 10;
const GB = 1_000_000_000;
const STARTS = 3;
const TURNS = 20_000;
const AT_ONCE = 64;
const ROUNDS = 5;

/** What one more takes of the host and its cells together; pages that processes share count once. */
interface Weighed {
  readonly bytesEach: number;
  /** From the command to its first answer, with all plugins running; what was admitted before is found again. */
  readonly startMs: Readonly<Record<"few" | "many", number>>;
}

export async function benchCapacity(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const isolation of ["process", "inline"] as const) {
    const { bytesEach, startMs } = await weigh(isolation);
    const [few, many] = [FEW[isolation], MANY[isolation]];
    rows.push(
      told(`memory of one more plugin, ${isolation}, its storage open`, figure(bytesEach / 1024, "KiB")),
      told(`plugins to a GB, ${isolation}`, Math.floor(GB / bytesEach).toLocaleString("en")),
      told(`start of a host with ${few} plugins, ${isolation}`, figure(startMs.few, "ms")),
      told(`start of a host with ${many.toLocaleString("en")} plugins, ${isolation}`, figure(startMs.many, "ms")),
    );
    if (isolation === "inline")
      rows.push(
        slower(
          "start of a host with 1,000 plugins, inline; vs one with 100",
          { ours: startMs.many, theirs: startMs.few },
          MOST_START,
          "ms",
        ),
      );
  }
  for (const isolation of ["inline", "process"] as const)
    rows.push(
      told(`turns a second of one plugin, ${isolation}, 100 B, ${AT_ONCE} at once`, figure(await turnsPerSecond(isolation), "turns/s")),
    );
  return rows;
}

const told = (work: string, ratio: string): Row => ({ work, ours: "", theirs: "", ratio, goal: "none", reached: true });

async function weigh(isolation: Isolation): Promise<Weighed> {
  const [few, many] = [FEW[isolation], MANY[isolation]];
  const [small, large] = [await measured(isolation, few), await measured(isolation, many)];
  return { bytesEach: (large.bytes - small.bytes) / (many - few), startMs: { few: small.startMs, many: large.startMs } };
}

async function measured(isolation: Isolation, count: number): Promise<{ readonly bytes: number; readonly startMs: number }> {
  const folder = temporaryFolder();
  try {
    await configure(folder.path, isolation, count);
    const startMs: number[] = [];
    let bytes = 0;
    // The first admits what the others find.
    for (let start = 0; start <= STARTS; start += 1) {
      const host = await serve(folder.path);
      if (start > 0) startMs.push(host.startMs);
      if (start === STARTS) {
        for (let i = 0; i < count; i += 1) await put(host.url, `p${i}`);
        bytes = proportionalBytes(host.pid);
      }
      await host.stop();
    }
    return { bytes, startMs: median(startMs) };
  } finally {
    folder.remove();
  }
}

/** Answered by the plugin, asked by the program that the host is part of: no door is measured. */
async function turnsPerSecond(isolation: Isolation): Promise<number> {
  const folder = temporaryFolder();
  await configure(folder.path, isolation, 1);
  const file = join(folder.path, "bulkhead.json");
  const parsed = parseConfiguration(readFileSync(file, "utf8"), file);
  const host = await createHost({
    configuration: { ...parsed, adapters: { http: false, "control-socket": false } },
    log: { write: () => {} },
  });
  const payload = "x".repeat(98);
  const round = async (): Promise<number> => {
    let left = TURNS;
    const ask = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await host.call("p0.echo", payload);
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return (TURNS * 1_000) / (performance.now() - start);
  };
  const rates: number[] = [];
  for (let i = 0; i <= ROUNDS; i += 1) rates.push(await round());
  await host.stop();
  folder.remove();
  return median(rates.slice(1));
}
