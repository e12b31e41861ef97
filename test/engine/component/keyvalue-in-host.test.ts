// wasi:keyvalue where the host answers for the storage: what has more than one question in it, which no shipped toolchain calls yet.

import { expect, it } from "vitest";
import { asRemote } from "../../../host/bounds/remote-storage.ts";
import { storageFunctions } from "../../../host/capabilities/storage/functions.ts";
import { toHostError } from "../../../host/core/errors.ts";
import type { CapabilityFunction, CheckedCall } from "../../../host/core/ports/capability.ts";
import { startTrace } from "../../../host/core/trace.ts";
import { MemoryStorage } from "../../../host/drivers/storage-memory/driver.ts";
import { systemClock } from "../../../host/drivers/system-clock.ts";
import type { ComponentHost } from "../../../host/engine/component/component-host.ts";
import { Ledger } from "../../../host/engine/component/resources.ts";
import { wasiKeyvalue } from "../../../host/engine/component/wasi-keyvalue.ts";
import { blockCodec, encodeError } from "../../../host/engine/guest/blocks.ts";
import { DEFAULT_LIMITS } from "../../../host/manifest/limits.ts";

interface Answer {
  readonly tag: string;
  readonly val: unknown;
}
type Static = (...args: readonly unknown[]) => Promise<Answer>;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function stage() {
  const storage = asRemote(new MemoryStorage({ plugin: "p", maxBytes: 1_000_000, maxKeys: 100, clock: systemClock }));
  const functions = storageFunctions({ of: () => storage }, systemClock);
  const call = {
    ...{ plugin: "p", limits: DEFAULT_LIMITS, ended: new AbortController().signal, deadline: Number.POSITIVE_INFINITY },
    ...{ require() {}, spend() {}, within: { context: { traceparent: startTrace() } } },
  } as unknown as CheckedCall;
  const control = { doomed: false, doom() {}, forfeit() {} };
  let [asked, counted] = [0, 0];
  const host = {
    environment: { storage: "host", limits: DEFAULT_LIMITS, scope: { reportFault() {} } },
    control,
    ledger: new Ledger("p", control, 1_000_000),
    count() {
      counted += 1;
    },
    asker: () => async (name: keyof typeof functions, values: readonly unknown[]) => {
      asked += 1;
      const { answer } = functions[name] as CapabilityFunction;
      try {
        const value = await (answer as (...args: readonly unknown[]) => Promise<never>)(call, ...values);
        return blockCodec.encode(name, value).slice();
      } catch (thrown) {
        return encodeError(toHostError(thrown));
      }
    },
    wait: (answer: Promise<Uint8Array>) => answer,
  } as unknown as ComponentHost;
  const faces = wasiKeyvalue(host, false);
  const { increment, swap, Cas } = faces["wasi:keyvalue/atomics"] as unknown as { increment: Static; swap: Static; Cas: { new: Static } };
  return { storage, increment, swap, Cas, asked: () => asked, counted: () => counted };
}

it("counts up, and says when a value is no number or changed meanwhile", async () => {
  const { storage, increment, asked, counted } = stage();
  expect([await increment(undefined, "n", 5n), await increment(undefined, "n", -2n)]).toEqual([
    { tag: "ok", val: 5n },
    { tag: "ok", val: 3n },
  ]);
  await storage.set({ key: "word", value: utf8("seven") });
  expect(await increment(undefined, "word", 1n)).toMatchObject({ tag: "err", val: { val: expect.stringContaining("no number") } });
  // Each question is a host call; the host ends a cell that asks more often than it counted.
  expect([asked(), counted()]).toEqual([5, 5]);
});

it("swaps what is as it was seen, and gives what is there instead where it is not", async () => {
  const { storage, swap, Cas } = stage();
  const first = (await Cas.new(undefined, "k")) as { readonly val: { current(): Answer } };
  expect(first.val.current()).toEqual({ tag: "ok", val: undefined });
  expect(await swap(first.val, utf8("one"))).toEqual({ tag: "ok", val: undefined });
  const seen = (await Cas.new(undefined, "k")) as { readonly val: { current(): Answer } };
  await storage.set({ key: "k", value: utf8("other") });
  const failed = (await swap(seen.val, utf8("two"))) as unknown as { tag: string; val: { tag: string; val: { current(): Answer } } };
  expect([failed.tag, failed.val.tag, failed.val.val.current()]).toEqual(["err", "cas-failed", { tag: "ok", val: Buffer.from("other") }]);
  expect(await swap(failed.val.val, utf8("two"))).toEqual({ tag: "ok", val: undefined });
  expect((await storage.read(["k"], 100))[0]?.value).toEqual(utf8("two"));
  expect(await swap((await Cas.new(undefined, "k")).val, new Uint8Array(2_000_000))).toMatchObject({
    tag: "err",
    val: { tag: "store-error" },
  });
});
