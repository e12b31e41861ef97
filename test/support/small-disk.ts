// A disk that is full soon: a file system in memory of a few MiB, where the system lets whoever runs the tests mount one.

import { execFileSync } from "node:child_process";
import { describe } from "vitest";
import { temporaryFolder } from "./plugin-folders.ts";

/** Such as `4m`; the folder must be there and empty. */
export const mountSmallDisk = (folder: string, size: string): void =>
  void execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "none", folder], { stdio: "ignore" });

/** Also while something on it is open. */
export const unmountDisk = (folder: string): void => void execFileSync("umount", ["-l", folder]);

export const CAN_MOUNT: boolean = ((): boolean => {
  const folder = temporaryFolder();
  try {
    mountSmallDisk(folder.path, "1m");
    unmountDisk(folder.path);
    return true;
  } catch {
    return false;
  } finally {
    folder.remove();
  }
})();

/** `describe` where it can be had, else a skipped one whose title says what is not. */
export const describeOnSmallDisk = (title: string, tests: () => void): void =>
  void describe.skipIf(!CAN_MOUNT)(`${title}${CAN_MOUNT ? "" : " (needs a system that lets root mount a tmpfs)"}`, tests);
