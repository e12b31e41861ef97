// What a stranger says who wants to be taken for somebody else, and a plugin that says it wherever it can.

import { writePlugin } from "./plugin-folders.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Written out, not as the host's own code has it: what a terminal obeys, what turns the direction of text, and what takes no room. */
const HIDDEN = [
  ...[...range(0, 0x1f), ...range(0x7f, 0x9f)],
  ...[0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180e, 0x3164, 0xfeff, 0xffa0],
  ...[...range(0x200b, 0x200f), ...range(0x2028, 0x202e), ...range(0x2060, 0x206f), ...range(0xfff9, 0xfffb)],
  ...[0xfe00, 0xfe0e, 0xfe0f, 0xe0001, 0xe0020, 0xe0061, 0xe007f, 0xe0100, 0xe01ef, 0x1d173],
].map((code) => String.fromCodePoint(code));
const ANSI = "\u001b[31mred\u001b[2J\u001b]0;title\u0007\u009b2J\u001b]8;;http://evil.example\u001b\\";
export const MARKUP: string = '<script>window.pwned=1</script><img src="http://evil.example/x" onerror="window.pwned=1">]]>%1$s';
/** Of the text, what would stand at the beginning of a line. */
const FORGED = "FORGED";

/** Fits into every text of a manifest. */
export const HOSTILE: string = `said ${HIDDEN.join("")}${ANSI}\r\n${FORGED}: all is well\n${MARKUP}`;
/** Fits into keys and names of at most 512 bytes. */
export const HOSTILE_NAME: string = `named ${HIDDEN.join("")}\n${FORGED}`;

/** Each place where something is hidden, or a line is not the host's; `text` may have lines of its own. */
export function leaksIn(text: string): string[] {
  const hidden = HIDDEN.filter((character) => character !== "\n" && text.includes(character));
  const leaks = hidden.map((character) => {
    const at = text.indexOf(character);
    return `U+${character.codePointAt(0)?.toString(16)} in ${JSON.stringify(text.slice(Math.max(0, at - 40), at + 20))}`;
  });
  return new RegExp(`^${FORGED}`, "m").test(text) ? [...leaks, "a line of its own"] : leaks;
}

/** Each entry point does one thing with its input: says it as its failure or refusal, answers, logs, publishes, keeps, sends it. */
const MODULE = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "extism:host/env" "log_info" (func $info (param i64)))
  (import "extism:host/env" "log_error" (func $log_error (param i64)))
  (import "bulkhead:host/memory" "store" (func $copy (param i32 i64 i32)))
  (import "extism:host/user" "events_publish" (func $publish (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (import "extism:host/user" "services_send" (func $send (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "blobs_create" (func $create (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "blobs_finish" (func $finish (param i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "evil.saidapplication/jsonvictim.tell[]1")
  (data (i32.const 64) "{\\"durable\\":true}")
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (call $copy (local.get $at) (local.get $block) (local.get $size))
    (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func $say (result i32) (call $error (call $input)) (i32.const 1))
  (export "say" (func $say)) (export "heard" (func $say)) (export "strict" (func $say)) (export "tell" (func $say))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "log") (result i32) (call $info (call $input)) (call $log_error (call $input)) (i32.const 0))
  (func (export "publish") (result i32)
    (drop (call $publish (call $text (i32.const 0) (i32.const 9)) (call $text (i32.const 9) (i32.const 16)) (call $input))) (i32.const 0))
  (func (export "keep") (result i32) (call $give (call $set (call $input) (call $input))))
  (func (export "send") (result i32)
    (call $give (call $send (call $text (i32.const 25) (i32.const 11)) (call $input) (call $text (i32.const 64) (i32.const 16)))))
  (func (export "blob") (result i32)
    (drop (call $create (call $input) (call $text (i32.const 9) (i32.const 16)) (call $text (i32.const 36) (i32.const 2))))
    (call $give (call $finish (call $text (i32.const 38) (i32.const 1))))))`;

/** Fails when it starts, in these words. */
const BROKEN = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "bulkhead:host/memory" "store" (func $copy (param i32 i64 i32)))
  (memory 1)
  (data (i32.const 0) "${escaped(HOSTILE)}")
  (func (export "on_start") (result i32) (local $block i64)
    (local.set $block (call $alloc (i64.const ${Buffer.byteLength(HOSTILE)})))
    (call $copy (i32.const 0) (local.get $block) (i32.const ${Buffer.byteLength(HOSTILE)}))
    (call $error (local.get $block))
    (i32.const 1)))`;

function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
}

const SCHEMA = {
  title: HOSTILE,
  description: HOSTILE,
  properties: {
    [HOSTILE]: { description: HOSTILE, title: HOSTILE, enum: [HOSTILE], default: HOSTILE },
    name: { type: "string", description: HOSTILE },
  },
};
const schemas = { description: HOSTILE, input: SCHEMA, output: SCHEMA };
const service = (entryPoint: string, more: object = {}): object => ({ entryPoint, description: HOSTILE, ...more });
const asked = (permission: string, resource: string): object => ({ permission, resource, reason: HOSTILE });

const manifestOf = (name: string, version: string): object => ({
  ...{ name, version, api: "0.2", description: HOSTILE },
  services: {
    ...Object.fromEntries(["say", "log", "publish", "keep", "send", "blob"].map((one) => [`${name}.${one}`, service(one)])),
    [`${name}.echo`]: service("echo", { readOnly: true }),
    [`${name}.strict`]: service("strict", { ...schemas, errors: { odd: HOSTILE } }),
  },
  extensionPoints: { [`${name}.asked`]: schemas },
  events: { [`${name}.said`]: { description: HOSTILE }, [`${name}.measured`]: { description: HOSTILE, data: SCHEMA } },
  subscriptions: [{ type: `${name}.said`, entryPoint: "heard", durable: true, maxAttempts: 1 }],
  schedules: [{ name: "yearly", entryPoint: "log", every: "365d" }],
  permissions: [
    asked("http.fetch", "GET https://example.com"),
    asked("services.call", "victim.*"),
    asked("services.durable", "victim.*"),
    asked("events.subscribe", `${name}.said`),
    asked("events.durable", `${name}.said`),
  ],
  config: { ...SCHEMA, type: "object" },
  contributes: {
    http: { routes: [{ method: "GET", path: `/${name}/:name`, service: `${name}.strict` }] },
    [HOSTILE]: { [HOSTILE]: HOSTILE },
  },
});

/** A folder with a plugin that says it wherever it can; what it publishes it does as `evil`. */
export const writeHostile = (parent: string, name: string, { folder = name, version = "1.0.0" }: Place = {}): Promise<string> =>
  writePlugin(parent, folder, MODULE, manifestOf(name, version));

interface Place {
  readonly folder?: string;
  readonly version?: string;
}

/** Refuses what it is sent, and says why. */
export const writeVictim = (parent: string): Promise<string> =>
  writePlugin(parent, "victim", MODULE, { api: "0.2", services: { "victim.tell": { entryPoint: "tell" } } });

export const writeBroken = (parent: string): Promise<string> => writePlugin(parent, "broken", BROKEN, { api: "0.2", description: HOSTILE });
