// What a plugin under test sends: given at once to the function that fakes the service, durable or not, once each. How it fails stands in the host's log.

import { SendBudget } from "../capabilities/sends/budget.ts";
import { sendFunctions } from "../capabilities/sends/functions.ts";
import { sendOptions } from "../capabilities/sends/options.ts";
import { UnawaitedCalls } from "../capabilities/sends/unawaited.ts";
import { checkedId, failureOfSend, sendVolatile } from "../capabilities/sends/volatile.ts";
import type { Host } from "../core/host.ts";
import type { CapabilityFunctions } from "../core/ports/capability.ts";
import type { LogSink } from "../core/ports/log.ts";

/** Permissions, rates and limits are real. `core` is asked once plugins run, so it may be made later. */
export function fakedSends(core: () => Host, log: LogSink): CapabilityFunctions {
  const budget = new SendBudget(sendOptions.parse({}).volatile, "sends.volatile");
  const calls = new UnawaitedCalls({
    call: (call) => core().services.call(call),
    isCurrent: ({ name, permissions }) => core().plugin(name)?.permissions === permissions,
  });
  return sendFunctions({
    rateOf: (plugin) => core().plugin(plugin)?.publishing,
    async send(unsent) {
      const message = { ...unsent, id: checkedId(unsent.id) };
      await sendVolatile(message, {
        budget,
        call: (call) => calls.call(call),
        onFailure: (failed, why) => log.write(failureOfSend(failed, why)),
      });
      return message.id;
    },
  });
}
