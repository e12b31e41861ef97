// Events as text/event-stream has them, and in JSON for a WebSocket: both out of the same bytes.

import { encodeEvent, isJson } from "../../core/cloud-event.ts";
import type { Bytes, CloudEvent } from "../../core/types.ts";
import type { EncodedEvent, KeptEvent } from "../gateway/event-window.ts";

const NO_DATA: Bytes = new Uint8Array(0);
/** Where data begin; in the attributes before, which are told first, quotes are escaped. */
const DATA = ',"data":';
const FRAME_END = "\n\n";
const headOf = (id: string): string => `id: ${id}\ndata: `;

/** The event with its id: what is sent most often is sent as it lies in the window. */
export function eventFrame(event: CloudEvent, id: string): EncodedEvent {
  // A line break ends a line of text/event-stream, and would let data pass for fields. In JSON it stands between tokens only, where a space is the same.
  const text = encodeEvent(event).replace(/[\r\n]/g, " ");
  const frame = Buffer.from(`${headOf(id)}${text}${FRAME_END}`);
  return { frame, data: ownData(jsonWithin(frame, id), event) };
}

/** The CloudEvent in JSON, on one line. */
export const jsonWithin = (frame: Buffer, id: string): Buffer => frame.subarray(headOf(id).length, -FRAME_END.length);

/** What the event's data are, as JSON on one line: bytes of another content type as a text in base64. */
export function dataWithin({ event, frame }: KeptEvent, id: string): Buffer {
  const json = jsonWithin(frame, id);
  const end = json.length - "}".length;
  const start = isJson(event.contentType) ? json.indexOf(DATA) + DATA.length : json.lastIndexOf('"', end - 2);
  return json.subarray(start, end);
}

/** JSON data as they stand in the encoded event, so that they are held once; a copy where they are written otherwise there. */
function ownData(json: Buffer, { contentType, data }: CloudEvent): Bytes {
  if (!isJson(contentType)) return NO_DATA;
  const end = json.length - "}".length;
  const within = json.subarray(Math.max(0, end - data.length), end);
  return Buffer.compare(within, data) === 0 ? within : data.slice();
}
