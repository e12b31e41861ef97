// Runs a turn that failed in a host again, as a test of the plugin: the record says what it was told, so neither clock nor web nor other plugins are there.

import { readFile } from "node:fs/promises";
import { keepsStateOf, parseTurnRecord } from "../bounds/turn-record.ts";
import { createProcessCell } from "../cell/outside/process-cell.ts";
import { type Replayed, replay } from "../cell/replay/replaying.ts";
import { HostError } from "../core/errors.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { buildOf, readModuleFolder } from "../install/plugin-folder.ts";
import { knownLimits } from "../manifest/limits.ts";
import { admissionCache } from "./admission.ts";
import { pathOf } from "./folder-path.ts";
import { bytesOf, type Content } from "./payload.ts";

export interface ReplayOptions {
  /** Answers that no record has, by host function, such as `crypto.sign`: what it answers then. */
  readonly answers?: Readonly<Record<string, Content>> | undefined;
}

/**
 * `file` is what `bulkhead records export` has written, `folder` has plugin.json and the built module. Nothing that the plugin asks for is done. Rejects with
 * HostError `invalid-message` for what is no record, and like a host that cannot install the plugin.
 */
export async function replayRecord(file: string | URL, folder: string | URL, { answers = {} }: ReplayOptions = {}): Promise<Replayed> {
  const parsed = parseTurnRecord(await readFile(pathOf(file)));
  const record = { ...parsed, image: { ...parsed.image, limits: knownLimits(parsed.image.limits) } };
  const { manifest, wasm } = await readModuleFolder(pathOf(folder));
  if (manifest.name !== record.plugin)
    throw new HostError("invalid-message", `the record is of ${record.plugin}, and the folder of ${manifest.name}`);
  const admitted = await (await admissionCache()).admit(wasm, record.image.limits, {
    side: record.image.storage,
    keepsState: keepsStateOf(record),
  });
  const given = Object.fromEntries(Object.entries(answers).map(([name, content]) => [name, bytesOf(content)]));
  return replay(
    { record, build: buildOf(manifest, admitted), answers: given },
    {
      clock: systemClock,
      makeCell: (ports) => createProcessCell({ ...ports, clock: systemClock, storageDir: undefined, plugins: [record.plugin] }),
    },
  );
}
