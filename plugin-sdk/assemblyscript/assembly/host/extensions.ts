// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Questions that any number of plugins answer. Which of them a plugin answers stands in its manifest under `extends`.

export * from "../extensions";
