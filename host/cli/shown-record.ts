// A record of a turn for people: all that is in it, each thing with its beginning, so that whoever passes it on knows what he passes on.

import type { TurnRecord } from "../bounds/turn-record.ts";
import type { TapedCall, TapedTurn } from "../bounds/turn-tape.ts";
import { escapeControls } from "../core/names.ts";

const MAX_SHOWN = 200;
const MAX_CALLS = 100;

export function shownRecord(record: TurnRecord): string {
  const { id, at, plugin, version, entryPoint, caller, traceparent, error, usage, image, tape, input } = record;
  const principal = caller.principal === undefined ? "" : `, for ${caller.principal}`;
  const config = Object.entries(image.config).map(([key, value]) => `${key}=${value}`);
  return [
    `record ${id}: ${plugin} ${version} ${entryPoint}, ${at}`,
    `  asked by ${caller.kind} ${caller.name}${principal}, trace ${traceparent.split("-")[1] ?? ""}`,
    `  ended with ${error.code}: ${error.message}`,
    `  used ${usage.fuel} fuel, ${usage.cpuUs} µs of CPU, ${usage.hostCalls} host calls`,
    `  configuration: ${shortened(config.join(", ")) || "none"}`,
    `  input: ${shownBytes(input)}`,
    ...shownTurn(tape.turn),
    ...beforeIn(record),
  ]
    .map((line) => escapeControls(line))
    .join("\n");
}

function beforeIn({ tape: { before, lost, turn, state } }: TurnRecord): string[] {
  if (turn.isNew) return ["  its instance was made for it"];
  if (lost !== undefined) return [`  the turns before it are not kept: ${lost}`];
  const begin =
    state === undefined
      ? []
      : [`  what its instance was ${before.length} turns before: ${Buffer.from(state, "base64").length} bytes, packed`];
  const lines = before.flatMap((one) => [
    `  ${one.entryPoint}, input: ${shownBytes(one.input)}`,
    ...shownTurn(one).map((line) => `  ${line}`),
  ]);
  return [...begin, `  turns before it that made its instance what it was: ${before.length}`, ...lines];
}

function shownTurn({ calls, now, monotonic, random, cut }: TapedTurn): string[] {
  const looks = now.length + monotonic.length;
  return [
    ...calls.slice(0, MAX_CALLS).map((call, i) => `  call ${i + 1}: ${shownCall(call)}`),
    ...(calls.length > MAX_CALLS ? [`  … and ${calls.length - MAX_CALLS} calls more`] : []),
    ...(looks > 0 ? [`  looks at clocks: ${looks}`] : []),
    ...(random === "" ? [] : [`  random bytes: ${Buffer.from(random, "base64").length}`]),
    ...(cut === undefined ? [] : [`  incomplete: ${cut}`]),
  ];
}

function shownCall({ name, args, digest, masked, answer }: TapedCall): string {
  if (masked === true) return `${name}, which is never kept`;
  const given = args === undefined ? `(digest ${digest ?? "unknown"})` : `(${args.map(shownBytes).join(", ")})`;
  return `${name}${given} → ${answer === undefined ? "no answer" : shownAnswer(answer)}`;
}

// The first byte says whether it is one.
function shownAnswer(answer: string): string {
  const bytes = Buffer.from(answer, "base64");
  return `${bytes[0] === 0 ? "" : "error "}${shownBytes(bytes.subarray(1).toString("base64"))}`;
}

function shownBytes(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  return bytes.length === 0 ? "nothing" : shortened(bytes.toString("utf8"));
}

const shortened = (text: string): string => (text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)`);
