// Lets the commands and hosts that tests start take what an earlier one has compiled, which is most of the time that they need to start. Vitest turns Node's
// cache off in its workers and all that they start, because coverage would suffer; none is taken of what they start.

import { fileURLToPath } from "node:url";

delete process.env.NODE_DISABLE_COMPILE_CACHE;
process.env.NODE_COMPILE_CACHE = fileURLToPath(new URL("../.cache/compiled", import.meta.url));
