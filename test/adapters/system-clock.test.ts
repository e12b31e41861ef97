// The real clock.

import { expect, it } from "vitest";
import { HostTime } from "../../host/core/host-time.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";

it("never calls before its time, however far that is", async () => {
  let called = 0;
  const cancel = systemClock.after(2 ** 40, () => {
    called += 1;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(called).toBe(0);
  cancel();
});

it("keeps who may have next to nothing of the host's time waiting, without work for the host", async () => {
  let timers = 0;
  const after: typeof systemClock.after = (delayMs, callback) => {
    timers += 1;
    return systemClock.after(delayMs, callback);
  };
  const account = new HostTime({ ...systemClock, after }, 600).account(1e-9);
  account.spend(5);
  void account.run(async () => {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(timers).toBe(1);
});
