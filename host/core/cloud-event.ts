// The CloudEvents 1.0 JSON form of an event, as subscribers receive it.

import type { Bytes, CloudEvent } from "./types.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const isJson = (contentType: string): boolean => contentType === "application/json";

// All subscribers of an event are served one after the other, so one entry is a whole cache. A WeakMap costs 1 µs an event in GC.
let last: { readonly event: CloudEvent; readonly text: string } | undefined;

/** Encodes once per event, however many subscribers it has. JSON data must be known to be one JSON text. */
export function encodeEvent(event: CloudEvent): string {
  if (last?.event === event) return last.text;
  const { id, source, type, time, traceparent, contentType } = event;
  const attributes = `{"specversion":"1.0","id":"${id}","source":"${source}","type":"${type}","time":"${time}","traceparent":"${traceparent}","datacontenttype":${isJson(contentType) ? '"application/json"' : JSON.stringify(contentType)},`;
  const data = isJson(contentType) ? `"data":${decoder.decode(event.data)}}` : `"data_base64":"${base64(event.data)}"}`;
  last = { event, text: attributes + data };
  return last.text;
}

// Uint8Array.prototype.toBase64 would do, but Node 24 lacks it.
function base64(bytes: Bytes): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 8_192) binary += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  return btoa(binary);
}
