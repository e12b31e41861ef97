// Admits a plugin under test as the host does, in a process, and remembers the module for this user's next test run.

import { tmpdir } from "node:os";
import { AdmissionCache } from "../cell/admission/admission-process.ts";
import { ownFolder } from "../cell/admission/own-folder.ts";

let cache: Promise<AdmissionCache> | undefined;

/** One for the process; the system clears the folder with its other temporary files. */
export function admissionCache(): Promise<AdmissionCache> {
  cache ??= ownFolder(tmpdir(), "bulkhead-testing").then((folder) => new AdmissionCache(folder));
  return cache;
}
