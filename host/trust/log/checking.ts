// What it takes to ask a log whether something stands in it, in one piece: most hosts never do.

export { LogCheck } from "./log-check.ts";
export { LogReader } from "./reader.ts";
export { parseNoteKey } from "./signed-note.ts";
