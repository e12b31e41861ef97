// All that Node can hold and that are compared, by the names that the table has.

import { bulkhead } from "./bulkhead.ts";
import { extism } from "./extism.ts";
import { isolatedVm } from "./isolated-vm.ts";
import { quickjs } from "./quickjs.ts";
import type { MakeSubject } from "./subject.ts";
import { workerd } from "./workerd.ts";

export const RUNTIMES: Readonly<Record<string, MakeSubject>> = {
  "Bulkhead, process": bulkhead("process"),
  "Bulkhead, thread": bulkhead("thread"),
  "Bulkhead, inline": bulkhead("inline"),
  "@extism/extism": extism,
  "isolated-vm": isolatedVm,
  "quickjs-emscripten": quickjs,
  workerd,
};
