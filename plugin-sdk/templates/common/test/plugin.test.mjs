// What the plugin does, tried in a sandbox of its own: `bulkhead test` runs it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadPlugin } from "bulkhead/testing";

const folder = new URL("..", import.meta.url);

test("greets, counts and tells of it", async () => {
  await using plugin = await loadPlugin(folder);
  assert.deepEqual((await plugin.call("my-plugin.greet", { name: "Ada" })).json(), { message: "Hello, Ada!", times: 1 });
  assert.deepEqual((await plugin.call("my-plugin.greet", { name: "Ada" })).json(), { message: "Hello, Ada!", times: 2 });
  assert.equal(plugin.stored.text("times/Ada"), "2");
  assert.deepEqual(
    plugin.published.map(({ type, data }) => [type, data]),
    [
      ["my-plugin.greeted", { name: "Ada", times: 1 }],
      ["my-plugin.greeted", { name: "Ada", times: 2 }],
    ],
  );
});

test("greets with the word that is configured", async () => {
  await using plugin = await loadPlugin(folder, { config: { greeting: "Grüezi" } });
  assert.equal((await plugin.call("my-plugin.greet", { name: "Zoë" })).json().message, "Grüezi, Zoë!");
});

test("refuses to greet nobody", async () => {
  await using plugin = await loadPlugin(folder);
  await assert.rejects(plugin.call("my-plugin.greet", { name: "" }), { code: "refused", reason: "invalid-input" });
  await assert.rejects(plugin.call("my-plugin.greet", "no JSON"), { code: "refused", reason: "invalid-input" });
});

test("greets whoever arrives, if it may hear of it", async () => {
  await using plugin = await loadPlugin(folder);
  await plugin.publish("people.arrived", { name: "Ada" });
  assert.deepEqual(
    plugin.logged.map(({ level, message }) => `${level} ${message}`),
    ["info Hello, Ada!"],
  );
  plugin.deny("events.subscribe", "people.arrived");
  assert.equal(await plugin.publish("people.arrived", { name: "Eve" }), 0);
});
