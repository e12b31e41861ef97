// The binary form of what the host and the admission process say to each other: one word when it has booted, one request, one answer.

import { type ErrorShape, HostError, isHostErrorCode } from "../core/errors.ts";
import type { AdmittedModule, ModuleLimits } from "../engine/admit-plugin.ts";
import type { FrameReader, FrameWriter } from "./frames.ts";

export interface AdmissionRequest {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly limits: ModuleLimits;
}

/** "ready" comes first, once the process has booted. */
export type AdmissionAnswer =
  | "ready"
  | { readonly ok: true; readonly admitted: AdmittedModule }
  | { readonly ok: false; readonly error: ErrorShape };

export function writeAdmissionRequest(writer: FrameWriter, { wasm, limits }: AdmissionRequest): void {
  writer.frame(() => {
    writer.f64(limits.memoryBytes);
    writer.f64(limits.tableElements);
    writer.f64(limits.moduleBytes);
    writer.bytes(wasm);
  });
}

export function readAdmissionRequest(reader: FrameReader): AdmissionRequest {
  reader.u32();
  const limits = { memoryBytes: reader.f64(), tableElements: reader.f64(), moduleBytes: reader.f64() };
  return { limits, wasm: reader.bytes().slice() as Uint8Array<ArrayBuffer> };
}

export function writeAdmissionAnswer(writer: FrameWriter, answer: AdmissionAnswer): void {
  writer.frame(() => {
    const { module = new Uint8Array(0), ...rest } = answer !== "ready" && answer.ok ? answer.admitted : {};
    writer.text(JSON.stringify(answer !== "ready" && answer.ok ? { ok: true, ...rest } : answer));
    writer.bytes(module);
  });
}

/** Throws HostError `internal` for anything that is no answer: the process that gives it has read a stranger's module. */
export function readAdmissionAnswer(reader: FrameReader): AdmissionAnswer {
  reader.u32();
  const text = reader.text();
  const module = reader.bytes().slice() as Uint8Array<ArrayBuffer>;
  const answer: unknown = JSON.parse(text);
  if (answer === "ready") return answer;
  const said = answer as Record<string, unknown>;
  if (said.ok === true) {
    const { entryPoints, report } = said as unknown as AdmittedModule;
    const areNames = Array.isArray(entryPoints) && entryPoints.every((name) => typeof name === "string");
    if (!(areNames || entryPoints === "any") || typeof report !== "object") {
      throw new HostError("internal", "the admission process sent something that is no answer");
    }
    return { ok: true, admitted: { module, entryPoints, report } };
  }
  const { code, message, detail } = (said.error ?? {}) as Record<string, unknown>;
  return {
    ok: false,
    error: {
      code: isHostErrorCode(code) ? code : "internal",
      message: String(message),
      detail: typeof detail === "string" ? detail : undefined,
    },
  };
}
