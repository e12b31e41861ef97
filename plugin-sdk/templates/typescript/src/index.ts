// Greets people, and counts how often. plugin.json names the functions below. What stands outside of them runs when the plugin is built: Math.random() and
// Date.now() belong into functions.

import { config, type Event, events, log, plugin, Refusal, storage } from "@bulkhead/sdk";

interface Person {
  readonly name: string;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const messageTo = (name: string): string => `${config.get("greeting") ?? "Hello"}, ${name}!`;

export const entryPoints = plugin({
  services: {
    greet(request) {
      const { name } = request.json<Person>();
      if (typeof name !== "string" || name === "") throw new Refusal("invalid-input", "name is empty");
      const key = `times/${name}`;
      const before = storage.get(key);
      const times = (before === undefined ? 0 : Number(decoder.decode(before))) + 1;
      storage.set(key, encoder.encode(String(times)));
      events.publish("my-plugin.greeted", "application/json", encoder.encode(JSON.stringify({ name, times })));
      return { message: messageTo(name), times };
    },
  },
  events: {
    on_arrived: ({ data }: Event<Person>) => log.write("info", messageTo(data.name)),
  },
});
