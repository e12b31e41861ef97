// The binary form of what the host and a disposable process say to each other: one word when it has booted, one question, one answer.

import { type ErrorShape, HostError, isHostErrorCode } from "../../core/errors.ts";
import type { FrameReader, FrameWriter } from "../wire/frames.ts";

// Names and reasons; what is large travels as bytes.
export const MAX_VALUE_BYTES: number = 2 * 1_024 * 1_024;
const NOTHING = new Uint8Array(0);
const MAX_MESSAGE_LENGTH = 4_096;
const MAX_DETAIL_LENGTH = 65_536;

/** Something small in JSON, and bytes. */
export interface Message {
  readonly value: unknown;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type Answer = { readonly ok: true; readonly answer: Message } | { readonly ok: false; readonly error: ErrorShape };

/** "ready" comes first, once the process has booted. */
export type FromProcess = "ready" | Answer;

export function writeMessage(writer: FrameWriter, { value, bytes }: Message): void {
  writer.frame(() => {
    writer.text(JSON.stringify(value));
    writer.bytes(bytes);
  });
}

export function readMessage(reader: FrameReader): Message {
  reader.u32();
  const value: unknown = JSON.parse(reader.text(MAX_VALUE_BYTES));
  return { value, bytes: reader.bytes().slice() as Uint8Array<ArrayBuffer> };
}

export function writeAnswer(writer: FrameWriter, answer: FromProcess): void {
  if (answer !== "ready" && answer.ok)
    writeMessage(writer, { value: { ok: true, value: answer.answer.value }, bytes: answer.answer.bytes });
  else writeMessage(writer, { value: answer === "ready" ? answer : { ok: false, error: shortened(answer.error) }, bytes: NOTHING });
}

const shortened = ({ code, message, detail }: ErrorShape): ErrorShape => ({
  code,
  message: message.slice(0, MAX_MESSAGE_LENGTH),
  detail: detail?.slice(0, MAX_DETAIL_LENGTH),
});

// Throws for anything that is no answer: the process that gives it has read what a stranger sent.
export function readAnswer(reader: FrameReader): FromProcess {
  const { value, bytes } = readMessage(reader);
  if (value === "ready") return value;
  if (typeof value !== "object" || value === null || !("ok" in value))
    throw new HostError("internal", "a disposable process sent no answer");
  if (value.ok === true) return { ok: true, answer: { value: "value" in value ? value.value : undefined, bytes } };
  const { code, message, detail } = ("error" in value ? (value.error ?? {}) : {}) as Record<string, unknown>;
  const shape = { code: isHostErrorCode(code) ? code : "internal", message: String(message) } as const;
  return { ok: false, error: shortened({ ...shape, detail: typeof detail === "string" ? detail : undefined }) };
}
