// The SDK as a plugin author uses it, in real Wasm, against the ABI alone.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPlugin } from "../../../scripts/build-plugins.ts";
import { FakeHost, type FakeHostOptions } from "./fake-host.ts";

const FIXTURE = new URL("fixtures/everything", import.meta.url).pathname;

// Each is troublesome for some encoder: two, three and four bytes, a joined emoji, right-to-left, a combining mark, NUL, the ends of planes.
const TEXTS = [
  "",
  "plain",
  "Zoë",
  "日本語",
  "👩‍👩‍👧 😀",
  "שלום",
  "e\u0301",
  "a\u0000b",
  "\uffff\u{10ffff}\u{10000}",
  '"\\/\b\f\n\r\t\u001f',
  "</script>\u2028",
];

let folder: string;
let file: string;
const load = (options?: FakeHostOptions): FakeHost => FakeHost.fromFile(file, options);
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulkhead-sdk-"));
  file = join(folder, "everything.wasm");
  await buildPlugin(FIXTURE, { outFile: file });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("text and bytes", () => {
  it.each(TEXTS)("carries %j both ways, as text, as JSON and within JSON", (text) => {
    const host = load();
    expect(textOf(host.turn("echo_text", text).output)).toBe(text);
    expect(host.json("echo_string", JSON.stringify(text))).toBe(text);
    expect(host.json("characters", JSON.stringify(text))).toBe(text.length);
    expect(host.json("echo_json", { id: text })).toMatchObject({ id: text });
  });

  it("carries every character of Unicode, escaped or not", () => {
    const host = load();
    for (let from = 0; from < 0x110000; from += 0x4000) {
      const codes = Array.from({ length: 0x4000 }, (_, i) => from + i).filter((code) => code < 0xd800 || code > 0xdfff);
      const text = String.fromCodePoint(...codes);
      expect(textOf(host.turn("echo_text", text).output) === text).toBe(true);
      expect(host.json("echo_string", JSON.stringify(text)) === text).toBe(true);
      const escaped = Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
      expect(host.json("echo_string", `"${escaped}"`) === text).toBe(true);
    }
  });

  it("turns lone surrogates into U+FFFD, on the way out and on the way in", () => {
    const host = load();
    expect(textOf(host.turn("lone_surrogates").output)).toBe("a\ufffdb\ufffd");
    expect(host.json("lone_surrogates_json")).toBe("a\ufffdb\ufffd");
    expect(host.json("echo_string", '"\\ud800x\\udc00\\ud83d\\ude00\\ud83d"')).toBe("\ufffdx\ufffd😀\ufffd");
  });

  it("decodes ill-formed UTF-8 as the Encoding Standard does", () => {
    const host = load();
    const sequences = [
      [0xff],
      [0xc3],
      [0xc0, 0x80],
      [0xe2, 0x82],
      [0xe2, 0x82, 0x41],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x98],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80, 0x80],
    ];
    for (const sequence of sequences) {
      const bytes = Uint8Array.of(0x61, ...sequence, 0x62, 0x63, 0x64, 0x65, 0x66);
      expect(textOf(host.turn("echo_text", bytes).output)).toBe(textOf(bytes));
    }
  });

  it("carries bytes of every value, and none at all", () => {
    const host = load();
    const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i);
    expect(host.turn("echo_raw", bytes).output).toEqual(bytes);
    expect(host.turn("echo_raw", new Uint8Array(0)).output).toEqual(new Uint8Array(0));
  });

  it("carries a megabyte as bytes, text and JSON", () => {
    const host = load();
    const text = "ä😀x ".repeat(131_072);
    const bytes = new TextEncoder().encode(text);
    expect(Buffer.compare(host.turn("echo_raw", bytes).output, bytes)).toBe(0);
    expect(textOf(host.turn("echo_text", text).output) === text).toBe(true);
    expect(host.json("echo_string", JSON.stringify(text)) === text).toBe(true);
    const escapes = "\n".repeat(1_048_576);
    expect(host.json("echo_string", JSON.stringify(escapes)) === escapes).toBe(true);
  });

  it("uses two blocks for a raw turn: the input and the output", () => {
    const host = load();
    host.turn("echo_raw", new Uint8Array(100));
    expect(host.blocks.map(([, length]) => length)).toEqual([100, 100]);
  });
});

describe("JSON", () => {
  const full = {
    id: "x",
    small: -128,
    count: 2_147_483_647,
    big: -9_007_199_254_740_991,
    unsigned: 12_345_678_901,
    ratio: 21.7,
    on: true,
    nick: "n",
    inner: { flag: true, tags: ["a", "b"] },
    maybe: { flag: false, tags: [] },
    list: [{ flag: true, tags: ["z"] }],
    map: { "a b": 1, ü: -2 },
    any: { deep: [1, "two", null, { three: 3.5 }] },
  };

  it("reads and writes every type that a class may have", () => {
    expect(load().json("echo_json", full)).toEqual(full);
  });

  it("fills in defaults and passes over fields that the class has not", () => {
    expect(load().json("echo_json", '{ "other": [{"id": 5}, "}", 1e9], "id": "x" }')).toEqual({
      id: "x",
      small: 0,
      count: 0,
      big: 0,
      unsigned: 0,
      ratio: 0,
      on: false,
      nick: null,
      inner: { flag: false, tags: [] },
      maybe: null,
      list: [],
      map: {},
      any: null,
    });
  });

  it("knows a key that is written with escapes, and takes the last of two", () => {
    expect(load().json("echo_json", '{"\\u0069d":"first","id":"last","co\\u0075nt":7}')).toMatchObject({ id: "last", count: 7 });
  });

  it.each([0.1, 21.7, -0.000123, 1e21, 5e-324, 1.7976931348623157e308, 123456.789, 1 / 3])("keeps the number %d exactly", (ratio) => {
    expect(load().json("echo_json", { id: "x", ratio })).toMatchObject({ ratio });
  });

  it("reads every number exactly, and none that no double holds", () => {
    const host = load();
    const list = Array.from({ length: 5_000 }, (_, i) =>
      Number((((i * 7_919) % 10_007) * 1.000_13 * 10 ** ((i % 36) - 20)).toPrecision((i % 17) + 1)),
    );
    expect(host.json("echo_numbers", list)).toEqual(list);
    expect(host.json("echo_numbers", "[-0.0, 0.1e1, 1E+2, 12e-1, 1e30, 0.30000000000000004, 1e-400]")).toEqual([
      0, 1, 100, 1.2, 1e30, 0.30000000000000004, 0,
    ]);
    expect(() => host.json("echo_numbers", "[1, 1e400]")).toThrow("1 must be a number that fits in 64 bits");
  });

  it("takes 1.0 and 1e3 for whole numbers, and all 64 bits of one", () => {
    const host = load();
    expect(host.json("echo_json", '{"id":"x","count":1.0,"small":1e2}')).toMatchObject({ count: 1, small: 100 });
    const { output } = host.turn("echo_json", '{"id":"x","big":-9223372036854775808,"unsigned":18446744073709551615}');
    expect(textOf(output)).toContain('"big":-9223372036854775808,"unsigned":18446744073709551615');
  });

  it("passes any JSON on unchanged, with every digit", () => {
    const text = '{"b":1.10,"a":[12345678901234567890, {} ],"ä":"\\u00e4"}';
    expect(textOf(load().turn("echo_any", ` ${text} `).output)).toBe(text);
  });

  it.each([
    ["", "id is missing"],
    ["{}", "id is missing"],
    ["null", "it must be an object, not null"],
    ["[]", "it must be an object, not an array"],
    ["{", "it ends too early: a key expected"],
    ['{"id":"x"', "it ends too early: a comma or } expected"],
    ['{"id":"x",}', "it is broken at byte 10: a key expected"],
    ['{"id":"x"} y', "it is broken at byte 11: the end expected"],
    ['{"id" "x"}', "it is broken at byte 6: a colon expected"],
    ['{"id":5}', "id must be a string, not a number"],
    ['{"id":null}', "id must be a string, not null"],
    ['{"id":"x","count":"1"}', "count must be a whole number, not a string"],
    ['{"id":"x","count":1.5}', "count must be a whole number from -2147483648 to 2147483647, not 1.5"],
    ['{"id":"x","count":2147483648}', "count must be a whole number from -2147483648 to 2147483647, not 2147483648"],
    ['{"id":"x","small":-129}', "small must be a whole number from -128 to 127, not -129"],
    ['{"id":"x","unsigned":-1}', "unsigned must be a whole number from 0 to 18446744073709551615, not -1"],
    [
      '{"id":"x","unsigned":18446744073709551616}',
      "unsigned must be a whole number from 0 to 18446744073709551615, not 18446744073709551616",
    ],
    ['{"id":"x","ratio":true}', "ratio must be a number, not true or false"],
    ['{"id":"x","ratio":.5}', "ratio is broken at byte 18: a value expected"],
    ['{"id":"x","ratio":1.}', "ratio is broken at byte 20: a digit expected"],
    ['{"id":"x","ratio":01}', "it is broken at byte 19: a comma or } expected"],
    ['{"id":"x","on":1}', "on must be true or false, not a number"],
    ['{"id":"x","on":tru}', "on is broken at byte 18: true expected"],
    ['{"id":"x","inner":5}', "inner must be an object, not a number"],
    ['{"id":"x","inner":null}', "inner must be an object, not null"],
    ['{"id":"x","inner":{"tags":["a",5]}}', "inner.tags.1 must be a string, not a number"],
    ['{"id":"x","list":[{},{"flag":0}]}', "list.1.flag must be true or false, not a number"],
    ['{"id":"x","list":{}}', "list must be an array, not an object"],
    ['{"id":"x","map":{"a":1,"b":"2"}}', "map.b must be a whole number, not a string"],
    ['{"id":"x","other":[1,]}', "other is broken at byte 21: a value expected"],
    ['{"id":"a\nb"}', "id is broken at byte 8: no raw control character expected"],
    ['{"id":"\\x"}', "id is broken at byte 8: an escape expected"],
    ['{"id":"\\u12g4"}', "id is broken at byte 11: four hexadecimal digits expected"],
    [`{"id":"x","any":${"[".repeat(200)}`, "any is nested deeper than 128"],
  ])("says what is wrong with %j", (input, problem) => {
    const { ok, trapped, error } = load().turn("echo_json", input);
    expect({ ok, trapped, error }).toEqual({
      ok: false,
      trapped: false,
      error: `invalid-input: input is not the JSON that this service expects (Sample): ${problem}`,
    });
  });

  it("neither traps nor disagrees with JSON.parse on mutilated input", () => {
    const host = load();
    const whole = new TextEncoder().encode(JSON.stringify(full));
    let seed = 42;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed % below;
    };
    for (let round = 0; round < 3_000; round++) {
      const bytes = whole.slice(0, round % 3 === 0 ? random(whole.length) : whole.length);
      if (bytes.length === 0) continue;
      for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256);
      const { ok, trapped, output } = host.turn("echo_any", bytes);
      const parsed = parseOrUndefined(textOf(bytes));
      expect({ trapped, ok }).toEqual({ trapped: false, ok: parsed !== undefined });
      if (ok) expect(parseOrUndefined(textOf(output))).toEqual(parsed);
      expect(host.turn("echo_json", bytes).trapped).toBe(false);
    }
  });

  it.each([
    ["1", "1.0", true],
    ["1", "2", false],
    ['"a"', '"\\u0061"', true],
    ["null", "null", true],
    ["true", "false", false],
    ["[1, 2]", "[1,2]", true],
    ["[1,2]", "[2,1]", false],
    ['{"a":1,"b":[{}]}', '{ "b": [{}], "a": 1.0 }', true],
    ['{"a":1}', '{"a":1,"b":2}', false],
    ['{"a":1}', '{"b":1}', false],
    ["0", "false", false],
  ])("compares %s with %s by meaning", (left, right, equal) => {
    expect(load().json("equal", `[${left},${right}]`)).toBe(equal);
  });

  it("finds what stands at a dotted path", () => {
    const paths = ["a.b", "list.1.c", "ü", "list.2", "a.b.c", "absent"];
    expect(load().json("at", { a: { b: 1 }, list: [0, { c: "x" }], ü: null, paths })).toEqual([1, "x", null]);
  });
});

describe("entry points", () => {
  it("answers nothing with no bytes at all", () => {
    expect(load().turn("no_answer", "{}")).toMatchObject({ ok: true, output: new Uint8Array(0) });
  });

  it.each([
    ["failing", "so nicht: ünmöglich 😀"],
    ["failing_raw", "not these bytes"],
    ["failing_start", "not today"],
  ])("reports what %s says, without a trap", (entryPoint, error) => {
    expect(load().turn(entryPoint, "{}")).toMatchObject({ ok: false, trapped: false, error });
  });

  it("runs a lifecycle handler", () => {
    const host = load();
    expect(host.turn("on_start").ok).toBe(true);
    expect(host.logs).toEqual([{ level: "info", message: "started" }]);
  });

  it("gives an event's attributes and its data as a type", () => {
    const host = load();
    expect(host.deliver("on_typed", "chat.said", { id: "ü" }).ok).toBe(true);
    expect(host.logs[0]?.message).toBe(
      "1 /plugins/other chat.said 2026-01-02T03:04:05.678Z 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ü",
    );
  });

  it.each([
    [{ id: 5 }, {}, "the data of chat.said from /plugins/other is not the JSON expected (Sample): id must be a string, not a number"],
    [
      undefined,
      { datacontenttype: "image/png" },
      "the data of chat.said from /plugins/other is not the JSON expected (Sample): the data is not JSON but image/png",
    ],
  ])("refuses data %j that does not fit", (data, attributes, error) => {
    expect(load().deliver("on_typed", "chat.said", data, attributes)).toMatchObject({ ok: false, trapped: false, error });
  });

  it("refuses what is no event", () => {
    expect(load().turn("on_raw", "[]").error).toBe("input is not an event: it must be an object, not an array");
  });

  it("gives an event's data as bytes and text", () => {
    const host = load();
    for (const bytes of [[], [1], [1, 2], [250, 251, 252], [104, 195, 164]]) {
      const data_base64 = Buffer.from(bytes).toString("base64");
      host.deliver("on_raw", "chat.said", undefined, { data_base64, datacontenttype: "text/plain" });
      const sum = bytes.reduce((total, byte) => total + byte, 0);
      expect(host.logs.pop()?.message).toBe(`text/plain ${bytes.length} ${sum} ${Buffer.from(bytes).toString("utf8")}`);
    }
    host.deliver("on_raw", "chat.said", { ä: 1 });
    expect(host.logs.pop()?.message).toBe('application/json 8 782 {"ä":1}');
  });
});

describe("aborts", () => {
  it.each([
    ["abort_throw", "{}", "thrown on purpose: ä (assembly/index.ts:"],
    ["abort_bounds", "[1]", "Index out of range (~lib/array.ts:"],
    ["abort_map", "{}", "Key does not exist (~lib/map.ts:"],
    ["abort_null", '{"id":"x"}', "(assembly/index.ts:"],
    ["abort_value", "{}", "no-such-service: nobody provides nobody.there (~lib/@bulkhead/assemblyscript/assembly/result.ts:"],
  ])("%s tells what happened and in which line", (entryPoint, input, message) => {
    const { trapped, error } = load().turn(entryPoint, input);
    expect(trapped).toBe(true);
    expect(error).toContain(message);
    expect(error).toMatch(/:\d+:\d+\)$/);
  });
});

describe("host functions", () => {
  it("writes log lines of each level", () => {
    const host = load();
    host.turn("logs", "Grüße");
    expect(host.logs).toEqual(["debug", "info", "warning", "error"].map((level) => ({ level, message: "Grüße" })));
  });

  it("publishes JSON and bytes and gets the id", () => {
    const host = load();
    expect(host.json("publish", { id: "ü" })).toBe("event-1");
    host.turn("publish_bytes", Uint8Array.of(0, 255));
    expect(host.events.map(({ type, contentType }) => [type, contentType])).toEqual([
      ["fixture.sampled", "application/json"],
      ["fixture.pictured", "image/png"],
    ]);
    expect(host.published("fixture.sampled")).toMatchObject([{ id: "ü" }]);
    expect(host.events[1]?.data).toEqual(Uint8Array.of(0, 255));
  });

  it("calls services with JSON and bytes, and says until when", () => {
    const deadlines: (number | null)[] = [];
    const host = load({
      call: (service, payload, deadlineMs) => {
        expect(service).toBe("other.echo");
        deadlines.push(deadlineMs);
        return payload;
      },
    });
    expect(host.json("call", { id: "ü", ratio: 0.5 })).toMatchObject({ id: "ü", ratio: 0.5 });
    expect(host.turn("call_raw", Uint8Array.of(1, 2)).output).toEqual(Uint8Array.of(1, 2));
    expect(deadlines).toEqual([250, null]);
  });

  it("sends to services with JSON and bytes, volatile or as it says", () => {
    const sent: unknown[] = [];
    const host = load({
      send: (service, payload, options) => {
        sent.push([service, textOf(payload).slice(0, 10), options]);
        return options.id ?? "given";
      },
    });
    expect(host.json("send", { id: "ü" })).toBe("given");
    expect(textOf(host.turn("send_raw", Uint8Array.of(49)).output)).toBe("mine");
    expect(sent).toEqual([
      ["other.echo", '{"id":"ü",', { durable: false, id: null }],
      ["other.echo", "1", { durable: true, id: "mine" }],
    ]);
    host.refuseNext = { code: "queue-full", message: "too much waits" };
    expect(host.turn("send_raw", "").error).toBe("queue-full: too much waits");
  });

  it("asks points with JSON and bytes, and reads what each plugin answers", () => {
    const asked: string[] = [];
    const answers = ['{"id":"ü"}', '{"id":1}'].map((text, i) => ({ plugin: `p${i}`, output: Buffer.from(text).toString("base64") }));
    const host = load({
      ask: (point, input, deadlineMs) => {
        asked.push(`${point} ${textOf(input)} ${deadlineMs}`);
        return answers;
      },
    });
    expect(host.json("ask_point", { id: "x" })).toEqual(["p0 ü", "p1 id must be a string, not a number"]);
    expect(textOf(host.turn("ask_raw", Uint8Array.of(49)).output)).toBe('{"id":"ü"}');
    expect(asked).toEqual([expect.stringMatching(/^other\.opinion \{"id":"x",.*\} 250$/), "other.opinion 1 null"]);
    host.refuseNext = { code: "no-such-service", message: "nobody declares other.opinion" };
    expect(host.turn("ask_raw", "").error).toBe("no-such-service: nobody declares other.opinion");
  });

  it("says so when an answer is not the JSON expected", () => {
    const host = load({ call: () => new TextEncoder().encode('{"id":1}') });
    expect(host.turn("call", { id: "x" }).error).toBe(
      "invalid-message: the answer of other.echo is not the JSON expected (Sample): id must be a string, not a number",
    );
  });

  it("gives a refusal as a value with code, message and detail", () => {
    const host = load();
    expect(host.json("call_and_tell")).toEqual(["no-such-service", "nobody provides other.echo", ""]);
    host.refuseNext = { code: "plugin-failed", message: "kaputt", detail: "at line 1" };
    expect(host.json("call_and_tell")).toEqual(["plugin-failed", "kaputt", "at line 1"]);
    host.refuseNext = { code: "quota-exceeded", message: "voll" };
    expect(host.json("refused")).toBe("quota-exceeded: voll");
  });

  it("hands a refusal on to the caller with its code", () => {
    const host = load();
    host.refuseNext = { code: "storage-failed", message: "disk is gone" };
    expect(host.turn("hand_on", "{}")).toMatchObject({ ok: false, trapped: false, error: "storage-failed: disk is gone" });
  });

  it("knows who called", () => {
    expect(load({ caller: { kind: "adapter", name: "http" } }).json("caller")).toEqual({ kind: "adapter", name: "http" });
    expect(load({ caller: { kind: "adapter", name: "http", principal: "token:ci" } }).json("principal")).toBe("token:ci");
    expect(load({ caller: { kind: "plugin", name: "other" } }).json("principal")).toBe("nobody");
  });

  it("stores text, bytes and JSON under any key", () => {
    const host = load();
    expect(host.json("store", { key: "schlüssel/😀", value: "wört" })).toBe("wörtwört");
    expect([...host.storage.keys()]).toEqual(["schlüssel/😀", "bytes/schlüssel/😀", "json/schlüssel/😀"]);
  });

  it("tells absent from empty, and removing from nothing to remove", () => {
    const host = load({ storage: new Map([["here", new Uint8Array(0)]]) });
    expect(host.json("absent", { key: "here" })).toEqual([true, true, true, false]);
    expect(host.json("store", { key: "empty", value: "" })).toBe("");
  });

  it("says so when what is stored is not the JSON expected", () => {
    const host = load({ storage: new Map([["bad", new TextEncoder().encode('{"id":')]]) });
    expect(host.turn("stored_json", { key: "bad" }).error).toBe("invalid-message: id ends too early: a value expected");
    expect(host.json("stored_json", { key: "absent" })).toBe("none");
  });

  it("pages through keys", () => {
    const storage = new Map(["k/a", "k/b", "k/c", "z"].map((key) => [key, new Uint8Array(0)]));
    const host = load({ storage });
    expect(host.json("keys", { limit: 2 })).toEqual(["k/a", "k/b"]);
    expect(host.json("keys", { limit: 2, after: "k/b" })).toEqual(["k/c"]);
  });

  it("shares state", () => {
    const host = load({ state: new Map([["other", new Uint8Array(0)]]) });
    expect(host.json("share", { key: "mine", value: "ä" })).toEqual(["mine", "other", "ä", "removed"]);
  });

  it("makes requests", () => {
    const asked: unknown[] = [];
    const host = load({
      fetch: (request, body) => {
        asked.push(request, textOf(body));
        return { status: 404, headers: [{ name: "content-type", value: "text/plain" }], body: Buffer.from("nö").toString("base64") };
      },
    });
    expect(textOf(host.turn("ask", "https://api.example.com/v1").output)).toBe("404 text/plain nö");
    const headers = [{ name: "authorization", value: "Bearer {{secret:TOKEN}}" }];
    expect(asked).toEqual([{ url: "https://api.example.com/v1", method: "POST", headers }, "Grüße"]);
    host.refuseNext = { code: "permission-denied", message: "not there" };
    expect(host.turn("ask", "https://other.example.com").error).toBe("permission-denied: not there");
  });

  it("reads the configuration", () => {
    const host = load({ config: { greeting: "Grüß dich" } });
    expect(textOf(host.turn("configured", "greeting").output)).toBe("Grüß dich");
    expect(textOf(host.turn("configured", "absent").output)).toBe("(none)");
  });

  it("tells the time", () => {
    const [now, first, second] = load({ nowMs: () => 1_700_000_000_123 }).json("times") as number[];
    expect(now).toBe(1_700_000_000_123);
    expect(second).toBeGreaterThanOrEqual(first ?? Number.NaN);
  });

  it("draws random bytes, and Math.random needs no import of its own", () => {
    const drawn = load().json("dice", 32) as number[];
    expect(drawn).toHaveLength(33);
    expect(new Set(drawn).size).toBeGreaterThan(10);
    expect(drawn.at(-1)).toBe(1);
  });
});

describe("memory", () => {
  it("does not grow over many turns", () => {
    const host = load();
    const input = JSON.stringify({ id: "x", list: Array.from({ length: 50 }, () => ({ tags: ["a", "b"] })) });
    const run = (turns: number): void => {
      for (let i = 0; i < turns; i++) host.turn("echo_json", input);
    };
    run(1_000);
    const before = host.memoryBytes();
    run(5_000);
    expect(host.memoryBytes()).toBe(before);
    expect(before).toBeLessThanOrEqual(512 * 1024);
  });

  it("collects within a turn too", () => {
    const host = load();
    expect(host.json("litter", 50_000)).toBe(1);
    expect(host.memoryBytes()).toBeLessThanOrEqual(1024 * 1024);
  });
});

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
