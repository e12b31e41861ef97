// What a component is told of an error: what the version has in which it imports the interface, since the types of its errors are fixed there.

import { describe, expect, it } from "vitest";
import type { ErrorShape } from "../../../host/core/errors.ts";
import { API_VERSIONS } from "../../../host/core/wit.ts";
import { bulkheadInterfaces } from "../../../host/engine/component/bulkhead.ts";
import type { ComponentHost } from "../../../host/engine/component/component-host.ts";
import { encodeError, errorFor } from "../../../host/engine/guest/blocks.ts";
import { ERRORS } from "../../../host/engine/guest/wit-shapes.ts";
import { DEFAULT_LIMITS } from "../../../host/manifest/limits.ts";

const REFUSED: ErrorShape = { code: "refused", message: "m", reason: "unavailable", retryAfterMs: 250 };

async function told(imports: readonly string[], error: ErrorShape): Promise<unknown> {
  const host = {
    environment: { plugin: "p", limits: DEFAULT_LIMITS },
    count() {},
    asker: () => async () => encodeError(error),
    wait: (answer: Promise<Uint8Array>) => answer,
  } as unknown as ComponentHost;
  const services = bulkheadInterfaces(host, imports)["bulkhead:plugin/services"] as Record<
    string,
    (...args: unknown[]) => Promise<unknown>
  >;
  return services.call?.("a.b", new Uint8Array(0), undefined);
}

describe("an error", () => {
  it("is told to a component as its version of the interface has it, the oldest of several", async () => {
    const whole = { tag: "err", val: { code: "refused", message: "m", detail: undefined, reason: "unavailable", retryAfterMs: 250 } };
    const part = { tag: "err", val: { code: "plugin-failed", message: "m", detail: undefined } };
    expect(await told(["bulkhead:plugin/services@0.2.0"], REFUSED)).toEqual(whole);
    expect(await told(["bulkhead:plugin/services@0.2.0", "bulkhead:plugin/state@0.1.0"], REFUSED)).toEqual(whole);
    expect(await told(["bulkhead:plugin/services@0.1.0", "bulkhead:plugin/state@0.2.0"], REFUSED)).toEqual(part);
    expect(await told(["bulkhead:plugin/services@0.2.0", "bulkhead:plugin/services@0.1.0"], REFUSED)).toEqual(part);
  });

  it("has no code and no field that a version does not have", () => {
    for (const api of API_VERSIONS) {
      const shape = ERRORS[api];
      if (typeof shape === "string" || !("record" in shape)) throw new Error("an error is a record");
      const fields = new Map(shape.record.map(([, host, field]) => [host, field]));
      const codes = fields.get("code") as { readonly enum: readonly string[] };
      const error = errorFor(api, REFUSED);
      expect(codes.enum).toContain(error.code);
      expect(Object.keys(error).filter((name) => !fields.has(name))).toEqual([]);
    }
  });
});
