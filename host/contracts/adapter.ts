// What every adapter must do. `context` gives what the host would; `options` are valid ones.

import assert from "node:assert/strict";
import type { Adapter, AdapterContext, Opening } from "../seams.ts";
import type { ContractTest } from "./contract.ts";

export interface AdapterToTest<O> {
  readonly adapter: Adapter<O>;
  /** As they stand in the configuration. */
  readonly options: unknown;
  context(): AdapterContext;
}

export function adapterContract<O>({ adapter, options, context }: AdapterToTest<O>): readonly ContractTest[] {
  const parsed = (): O => adapter.options.parse(options);
  const opening = (): Opening => {
    const { clock, log } = context();
    return { clock, log, dataDir: "" };
  };
  return [
    {
      name: "has a name that can stand in a configuration and a manifest",
      run() {
        assert.match(adapter.name, /^[a-z][a-z0-9-]*$/);
      },
    },
    {
      name: "refuses an option that it does not know",
      run() {
        assert.strictEqual(adapter.options.safeParse({ ...Object(options), "surely-no-option": 1 }).success, false);
      },
    },
    {
      name: "starts, stops and starts again, and leaves nothing behind that the next one trips over",
      async run() {
        for (let i = 0; i < 2; i += 1) {
          const opened = await adapter.open?.(opening(), parsed());
          const running = await adapter.start(context(), parsed(), opened);
          await running[Symbol.asyncDispose]();
          await opened?.[Symbol.asyncDispose]();
        }
      },
    },
    {
      name: "says of a section that is no section what is wrong with it, as invalid-manifest",
      run() {
        const { parseContribution } = adapter;
        if (parseContribution === undefined) return;
        for (const section of [null, 7, "text", { "surely-no-key": 1 }])
          assert.throws(() => parseContribution("p", section), { code: "invalid-manifest" });
      },
    },
  ];
}
