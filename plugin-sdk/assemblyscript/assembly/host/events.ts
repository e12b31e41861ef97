// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`.

export * from "../events";
