// Fills the arguments of an action: "{{path}}" alone in a string becomes the field as it is, among other text its text. Paths begin
// with `data`, or are `id`, `source`, `type`, `time` of the event.

import { Event, Json, JsonKind, Result, fail, ok } from "@bulkhead/assemblyscript";

const OPEN = "{{";
const CLOSE = "}}";

/** Fails when a path names nothing. */
export function fill(template: Json, event: Event): Result<Json> {
  const kind = template.kind;
  if (kind == JsonKind.Text) return fillText(template, event);
  if (kind == JsonKind.Array) {
    const items = template.as<Json[]>().value;
    for (let i = 0; i < items.length; i++) {
      const filled = fill(items[i], event);
      if (!filled.isOk) return filled;
      items[i] = filled.value;
    }
    return ok<Json>(Json.of<Json[]>(items));
  }
  if (kind == JsonKind.Object) {
    const fields = template.as<Map<string, Json>>().value;
    const names = fields.keys();
    for (let i = 0; i < names.length; i++) {
      const filled = fill(fields.get(names[i]), event);
      if (!filled.isOk) return filled;
      fields.set(names[i], filled.value);
    }
    return ok<Json>(Json.of<Map<string, Json>>(fields));
  }
  return ok<Json>(template);
}

function fillText(template: Json, event: Event): Result<Json> {
  const text = template.as<string>().value;
  let at = text.indexOf(OPEN);
  if (at < 0) return ok<Json>(template);
  let filled = "";
  let from = 0;
  while (at >= 0) {
    const end = text.indexOf(CLOSE, at);
    if (end < 0) break;
    const path = text.substring(at + OPEN.length, end).trim();
    const value = lookUp(path, event);
    if (value === null) return fail<Json>(`the event has no ${path}`);
    if (at == 0 && end + CLOSE.length == text.length) return ok<Json>(value);
    filled += text.substring(from, at) + (value.kind == JsonKind.Text ? value.as<string>().value : value.toString());
    from = end + CLOSE.length;
    at = text.indexOf(OPEN, from);
  }
  return ok<Json>(Json.of<string>(filled + text.substring(from)));
}

function lookUp(path: string, event: Event): Json | null {
  if (path == "id") return Json.of<string>(event.id);
  if (path == "source") return Json.of<string>(event.source);
  if (path == "type") return Json.of<string>(event.type);
  if (path == "time") return Json.of<string>(event.time);
  const data = event.data;
  if (data === null) return null;
  if (path == "data") return data;
  return path.startsWith("data.") ? data.at(path.substring(5)) : null;
}
