// The fakes around a plugin under test: other plugins' services, the web, and the clock.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FakedRequest, TestPlugin } from "../../host/testing/index.ts";
import { HostError, loadPlugin } from "../../host/testing/index.ts";
import { TestClock } from "../../host/testing/test-clock.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { counterFolder, probeFolder } from "./folders.ts";

let folder: TemporaryFolder;
let probe: string;

beforeAll(async () => {
  folder = temporaryFolder();
  probe = await probeFolder(folder.path);
});
afterAll(() => folder.remove());

/** The value behind the tag byte of an answer; an error's code is in it. */
const told = async (plugin: TestPlugin, service: string, input: string | object): Promise<string> =>
  (await plugin.call(service, input)).text().slice(1);
const never = (): Promise<never> => new Promise(() => {});

describe("a faked service", () => {
  it("answers at once or later, and sees payload and caller", async () => {
    await using plugin = await loadPlugin(probe, {
      services: {
        "greeter.greet": async (payload, caller) => ({ to: payload.text(), from: `${caller.kind} ${caller.name}` }),
        "greeter.leave": () => undefined,
      },
    });
    expect(JSON.parse(await told(plugin, "probe.greet", "Ada"))).toEqual({ to: "Ada", from: "plugin probe" });
    expect((await plugin.call("greeter.leave")).bytes).toHaveLength(0);
  });

  it("fails as it throws, and the call's record says so", async () => {
    const thrown = [new Error("out of words"), new HostError("rate-limited", "slowly")];
    await using plugin = await loadPlugin(probe, {
      services: {
        "greeter.greet": () => {
          throw thrown.shift();
        },
      },
    });
    expect(JSON.parse(await told(plugin, "probe.greet", ""))).toMatchObject({ code: "plugin-failed", message: "out of words" });
    expect(JSON.parse(await told(plugin, "probe.greet", ""))).toMatchObject({ code: "rate-limited", message: "slowly" });
    expect(plugin.called.map(({ service, error }) => [service, error?.code])).toEqual([
      ["greeter.greet", "plugin-failed"],
      ["greeter.greet", "rate-limited"],
    ]);
  });

  it("gets what is sent to it at once, and the record says what was taken and what was refused", async () => {
    const heard: string[] = [];
    await using plugin = await loadPlugin(ownPlugin("automation"), {
      services: {
        "greeter.greet": (payload) => {
          heard.push(payload.text());
          throw new Error("out of words");
        },
      },
    });
    const action = { service: "greeter.greet", wait: false, arguments: "{{data}}" };
    await plugin.call("automation.add", { id: "a", trigger: "doors.opened", action });
    await plugin.call("automation.add", { id: "b", trigger: "doors.opened", action: { service: "nobody.there", wait: false } });
    expect(await plugin.publish("doors.opened", "front")).toBe(1);
    expect(heard).toEqual(['"front"']);
    expect(plugin.sent).toMatchObject([
      { service: "greeter.greet", durable: false, id: expect.stringMatching(/^[0-9a-f-]{36}-\d+$/), error: undefined },
      { service: "nobody.there", id: undefined, error: { code: "no-such-service" } },
    ]);
    expect(plugin.sent[0]?.payload.json()).toBe("front");
    expect(plugin.called).toEqual([]);
    expect(plugin.hostLogged.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/did not handle what automation sent.*out of words/),
    );
  });

  it("is denied, allowed, and denied again by the real rules; what nobody provides is something else", async () => {
    let calls = 0;
    const services = { "greeter.greet": () => `${++calls}` };
    await using plugin = await loadPlugin(probe, { grants: "none", services });
    expect(await told(plugin, "probe.greet", "")).toContain("permission-denied");
    plugin.grant("services.call", "greeter.*");
    expect(await told(plugin, "probe.greet", "")).toBe("1");
    plugin.deny("services.call", "greeter.greet");
    expect(await told(plugin, "probe.greet", "")).toContain("permission-denied");
    expect(calls).toBe(1);
    await using alone = await loadPlugin(probe);
    expect(await told(alone, "probe.greet", "")).toContain("no-such-service");
  });

  it("belongs to another plugin, and a dependency without services is there too", async () => {
    for (const service of ["probe.echo", "greet", "Greeter.greet", "host.stop"])
      await expect(loadPlugin(probe, { services: { [service]: () => "" } })).rejects.toMatchObject({ code: "invalid-message" });
    const needy = await probeFolder(`${folder.path}/needy`, { dependencies: { greeter: "^1.0.0" } });
    await using plugin = await loadPlugin(needy);
    expect(await told(plugin, "probe.greet", "")).toContain("no-such-service");
  });

  it("that never answers ends with the deadline, in real time or when the clock passes it", async () => {
    await using plugin = await loadPlugin(probe, { limits: { deadlineMs: 100 }, services: { "greeter.greet": never } });
    expect(JSON.parse(await told(plugin, "probe.greet", ""))).toMatchObject({ code: "deadline-exceeded" });
    await using patient = await loadPlugin(probe, { limits: { deadlineMs: 60_000 }, services: { "greeter.greet": never } });
    const started = performance.now();
    const answer = told(patient, "probe.greet", "");
    await patient.clock.advance(60_000);
    expect(JSON.parse(await answer)).toMatchObject({ code: "deadline-exceeded" });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await told(patient, "probe.read", "devices.lamp"), "and it goes on").not.toContain("code");
  });

  it("ends on the way when its grant is taken away", async () => {
    const asked = Promise.withResolvers<void>();
    await using plugin = await loadPlugin(probe, {
      services: {
        "greeter.greet": () => {
          asked.resolve();
          return never();
        },
      },
    });
    const answer = told(plugin, "probe.greet", "");
    await asked.promise;
    plugin.deny("services.call", "greeter.greet");
    expect(JSON.parse(await answer)).toMatchObject({ code: "permission-denied" });
  });
});

describe("the faked web", () => {
  const get = (url: string, headers: object[] = []): object => ({ method: "GET", url, headers });

  it("is asked what the plugin asks, and answers", async () => {
    const seen: FakedRequest[] = [];
    await using plugin = await loadPlugin(probe, {
      http: (request, body) => {
        seen.push(request);
        return { status: 201, headers: { "X-Size": `${body.bytes.length}` }, body: { ok: true } };
      },
    });
    const { status, headers, body } = JSON.parse(
      await told(plugin, "probe.fetch", { method: "POST", url: "https://api.test/v1?q=1", headers: [{ name: "X-Twice", value: "a" }] }),
    );
    expect(seen).toEqual([{ method: "POST", url: "https://api.test/v1?q=1", headers: { "x-twice": "a" } }]);
    expect(status).toBe(201);
    expect(headers).toEqual([{ name: "x-size", value: "0" }]);
    expect(JSON.parse(Buffer.from(body, "base64").toString())).toEqual({ ok: true });
  });

  it("is behind the real rules: permissions at each redirect, private addresses, secrets", async () => {
    const http = ({ url, headers }: FakedRequest): { status?: number; headers?: Record<string, string>; body?: string } =>
      url === "https://api.test/away"
        ? { status: 302, headers: { Location: "https://elsewhere.test/" } }
        : { body: `${headers.authorization}` };
    const grants = [
      { permission: "http.fetch", resource: "https://api.test" },
      { permission: "http.fetch", resource: "http://localhost:*" },
    ] as const;
    await using plugin = await loadPlugin(probe, { grants, http, secrets: { TOKEN: "sk-1" } });
    expect(await told(plugin, "probe.fetch", get("https://api.test/away"))).toContain(
      "no permission http.fetch for GET https://elsewhere.test",
    );
    expect(await told(plugin, "probe.fetch", get("http://localhost:1/"))).toContain("no permission http.private for 127.0.0.1");
    const secret = [{ name: "authorization", value: "{{secret:TOKEN}}" }];
    expect(await told(plugin, "probe.fetch", get("https://api.test/", secret))).toContain("no permission secrets.read for TOKEN");
    plugin.grant("secrets.read", "TOKEN");
    const { body } = JSON.parse(await told(plugin, "probe.fetch", get("https://api.test/", secret)));
    expect(Buffer.from(body, "base64").toString(), "hidden on the way back").toBe("****");
    plugin.deny("http.fetch", "https://api.test/secret");
    expect(await told(plugin, "probe.fetch", get("https://api.test/secret"))).toContain("the operator denied it");
  });

  it("fails as it throws; without a fake every request fails and says why", async () => {
    await using plugin = await loadPlugin(probe, {
      http: () => {
        throw new Error("the cable is out");
      },
    });
    expect(JSON.parse(await told(plugin, "probe.fetch", get("https://api.test/")))).toMatchObject({
      code: "http-failed",
      message: "the cable is out",
    });
    await using offline = await loadPlugin(probe);
    expect(JSON.parse(await told(offline, "probe.fetch", get("https://api.test/x")))).toMatchObject({
      code: "http-failed",
      message: "nothing answers GET https://api.test/x: this test gives loadPlugin no http",
    });
    await using slow = await loadPlugin(probe, { http: never });
    const answer = told(slow, "probe.fetch", get("https://api.test/"));
    await slow.clock.advance(5_000);
    expect(JSON.parse(await answer)).toMatchObject({ code: "deadline-exceeded" });
  });
});

describe("the test clock", () => {
  it("stands still until it is advanced, and calls what is due in its order and at its time", async () => {
    const clock = new TestClock(1_000);
    const calls: [string, number][] = [];
    clock.after(3_000, () => calls.push(["late", clock.now()]));
    clock.after(1_000, () => {
      calls.push(["first", clock.now()]);
      clock.after(1_000, () => calls.push(["from the first", clock.now()]));
    });
    clock.after(2_500, () => calls.push(["cancelled", clock.now()]))();
    clock.after(9_000, () => calls.push(["too late", clock.now()]));
    expect(clock.now()).toBe(1_000);
    await clock.advance(3_000);
    expect(calls.map(([name]) => name)).toEqual(["first", "from the first", "late"]);
    for (const [i, at] of [2_000, 3_000, 4_000].entries()) expect(Math.abs((calls[i]?.[1] ?? 0) - at)).toBeLessThan(100);
    expect(clock.now()).toBe(4_000);
    await clock.advance(0.25);
    expect(Number.isInteger(clock.now())).toBe(true);
    await expect(clock.advance(-1)).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("calls in real time what nobody advances to, and only once", async () => {
    const clock = new TestClock(new Date(0));
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = clock.monotonicMs();
    clock.after(20, () => {
      calls += 1;
      resolve();
    });
    await promise;
    expect(clock.monotonicMs() - before).toBeGreaterThan(15);
    await clock.advance(1_000);
    expect(calls).toBe(1);
    expect(clock.now()).toBe(1_000);
  });
});

describe("a faked extension point", () => {
  const point = "lab.greeting";
  let counter: string;
  beforeAll(async () => {
    counter = await counterFolder(folder.path);
  });

  it("is answered in its order by whom it names, and those that throw have not answered", async () => {
    const asked: string[] = [];
    await using plugin = await loadPlugin(counter, {
      extensionPoints: {
        [point]: {
          usher: (name, caller) => asked.push(`${caller.kind} ${caller.name} ${name.text()}`) && "good evening",
          grump: () => {
            throw new Error("go away");
          },
          abbot: async () => ({ peace: true }),
        },
      },
    });
    expect((await plugin.call("counter.survey", "Zoë")).text()).toBe('usher: good evening\nabbot: {"peace":true}');
    expect(asked).toEqual(["plugin counter Zoë"]);
    plugin.deny("extensions.ask", point);
    const refused = {
      code: "plugin-failed",
      message: expect.stringMatching(/^permission-denied: counter has no permission extensions.ask/),
    };
    await expect(plugin.call("counter.survey", "Zoë")).rejects.toMatchObject(refused);
  });

  it("asks the plugin itself, as its owner would", async () => {
    await using plugin = await loadPlugin(counter);
    expect((await plugin.answer(point, "Ada")).text()).toBe("Grüße, Ada 🌍 — 你好");
    expect((await plugin.call("counter.survey", "Ada")).text()).toBe("");
    await expect(plugin.answer("lab.other")).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("lab.other"),
    });
    plugin.deny("extensions.answer", point);
    await expect(plugin.answer(point, "Ada")).rejects.toMatchObject({ code: "permission-denied" });
    plugin.grant("extensions.answer", point);
    expect((await plugin.answer(point)).text()).toBe("Grüße,  🌍 — 你好");
    await plugin.stop();
    await expect(plugin.answer(point)).rejects.toMatchObject({ code: "plugin-not-running" });
  });

  it("tells how the plugin's own answer failed, and that there is no room for it among too many", async () => {
    const extending = { api: "0.2", extends: { "lab.trap": { entryPoint: "trap", priority: -1_000 } } };
    const trap = [{ permission: "extensions.answer", resource: "lab.*", reason: "to test" }];
    const trapping = await probeFolder(`${folder.path}/trapping`, { ...extending, permissions: trap });
    await using plugin = await loadPlugin(trapping);
    await expect(plugin.answer("lab.trap")).rejects.toMatchObject({ code: "plugin-failed" });
    const crowd = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, () => ""]));
    await using late = await loadPlugin(trapping, { extensionPoints: { "lab.trap": crowd } });
    await expect(late.answer("lab.trap")).rejects.toMatchObject({ code: "conflict" });
  });

  it("is one of others, with names that plugins can have", async () => {
    for (const points of [{ lab: { usher: () => "" } }, { [point]: { counter: () => "" } }, { [point]: { host: () => "" } }])
      await expect(loadPlugin(counter, { extensionPoints: points })).rejects.toMatchObject({ code: "invalid-message" });
  });
});
