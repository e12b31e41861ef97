// A raw route's request with a form (application/x-www-form-urlencoded), and answers of OAuth 2.

import { HostError, Result, ok } from "@bulkhead/assemblyscript";

const LINE_FEED: u8 = 10;
const MAX_FORM = 8_192;

/** The form's fields, the first of each name. Null for what is none. */
export function formOf(request: Uint8Array): Map<string, string> | null {
  const at = request.indexOf(LINE_FEED);
  if (at < 0 || request.length - at > MAX_FORM) return null;
  const body = String.UTF8.decode(request.slice(at + 1).buffer);
  const fields = new Map<string, string>();
  const pairs = body.split("&");
  for (let i = 0; i < pairs.length; i++) {
    const equals = pairs[i].indexOf("=");
    const name = decoded(equals < 0 ? pairs[i] : pairs[i].substring(0, equals));
    const value = decoded(equals < 0 ? "" : pairs[i].substring(equals + 1));
    if (name === null || value === null) return null;
    if (!fields.has(name)) fields.set(name, value);
  }
  return fields;
}

export function field(form: Map<string, string>, name: string): string {
  return form.has(name) ? form.get(name) : "";
}

export function answer(status: i32, body: string): Result<Uint8Array> {
  const type = `{"name":"content-type","value":"application/json"}`;
  const head = `{"status":${status},"headers":[${type},{"name":"cache-control","value":"no-store"}]}`;
  return ok(Uint8Array.wrap(String.UTF8.encode(`${head}\n${body}`)));
}

/** As RFC 6749 section 5.2 says it, for a refusal; what is no refusal stays a failure. */
export function refusal(error: HostError): Result<Uint8Array> {
  if (error.code == "rate-limited" || error.reason == "unavailable") return answer(429, `{"error":"temporarily_unavailable"}`);
  if (error.code != "refused") return new Result<Uint8Array>(new Uint8Array(0), error);
  return answer(400, `{"error":"invalid_grant"}`);
}

function decoded(text: string): string | null {
  const bytes = new Uint8Array(text.length * 3);
  let to = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return null;
    if (unit != 0x25) {
      bytes[to++] = unit == 0x2b ? 0x20 : <u8>unit;
      continue;
    }
    const value = i + 2 < text.length ? hex(text.charCodeAt(i + 1)) * 16 + hex(text.charCodeAt(i + 2)) : -1;
    if (value < 0) return null;
    bytes[to++] = <u8>value;
    i += 2;
  }
  return String.UTF8.decode(bytes.slice(0, to).buffer);
}

/** Far below zero for what is no digit. */
function hex(unit: i32): i32 {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1_000;
}
