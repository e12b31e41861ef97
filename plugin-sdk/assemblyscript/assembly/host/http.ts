// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

export * from "../http";
