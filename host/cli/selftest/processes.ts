// Finds processes that this one started by what they were told to run; Linux only. The host tells nobody their ids.

import { readdirSync, readFileSync } from "node:fs";

export const IS_LINUX: boolean = process.platform === "linux";

/** The process of this plugin's cell. Throws when there is none. */
export const cellOf = (plugin: string): number => childOf(`"plugins":["${plugin}"]`);

/** The process that checks a module at this moment. Throws when there is none. */
export const admissionProcess = (): number => childOf("admission-main");

function childOf(told: string): number {
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "latin1").trim().split(" "),
  );
  const found = children.find((pid) => pid !== "" && commandOf(pid).includes(told));
  if (found === undefined) throw new Error(`no process of ${told} was found`);
  return Number(found);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    // It ended meanwhile.
    return "";
  }
}
