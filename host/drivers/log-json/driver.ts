// Log lines as JSON on standard output, on standard error, or in a file.

import { dirname, resolve } from "node:path";
import { makeFolder } from "../../bounds/folders.ts";
import { HostError } from "../../core/errors.ts";
import type { Driver, LogOutput, Opening } from "../../seams.ts";
import { createJsonLog, standard } from "./log-json.ts";
import { defaultFile, type LogFileOptions, type LogJsonOptions, logJsonOptions } from "./options.ts";
import { RotatingFile } from "./rotating-file.ts";

const MIB = 1_024 * 1_024;
const HOUR_MS = 3_600_000;

export const json: Driver<LogOutput, LogJsonOptions> = {
  name: "json",
  options: logJsonOptions,
  async open(opening, { level, to, format, file: given }) {
    // The funnel drops what is below a level, each plugin's own.
    const everything = { level: "debug", format } as const;
    if (to !== "file") return { level, ...createJsonLog(everything, standard(to)), async [Symbol.asyncDispose]() {} };
    const file = openFile(opening, given ?? defaultFile(), (message) =>
      createJsonLog(everything, standard("stderr")).write({ level: "error", plugin: "host", message }),
    );
    return {
      level,
      ...createJsonLog(everything, file),
      reopen: () => file.reopen(),
      problem: () => file.problem(),
      async [Symbol.asyncDispose]() {
        file[Symbol.dispose]();
      },
    };
  },
};

function openFile(
  { clock, log, dataDir }: Opening,
  { path, maxMiB, keep, everyHours }: LogFileOptions,
  complain: (message: string) => void,
): RotatingFile {
  const absolute = resolve(dataDir, path);
  try {
    makeFolder(dirname(absolute));
  } catch (cause) {
    throw new HostError("storage-failed", `${dirname(absolute)}, the folder of drivers.log.file.path, cannot be made`, { cause });
  }
  const tell = (message: string): void => log.write({ level: "error", plugin: "host", message });
  return new RotatingFile(
    { path: absolute, maxBytes: Math.floor(maxMiB * MIB), keep, everyMs: everyHours * HOUR_MS },
    {
      clock,
      onTrouble(what) {
        // Where the file is the only place, nobody would hear of it.
        complain(what);
        tell(what);
      },
      onRecovery: tell,
    },
  );
}
