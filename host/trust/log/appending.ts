// What it takes to add to a log, in one piece: only its keeper does.

export { appendToLog } from "./append.ts";
export { noteKeyText } from "./signed-note.ts";
