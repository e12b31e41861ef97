// The digital twin of one device: what it should be (desired), what it said it is (reported), and what is still to come (pending).
// Knows nothing of storage, events or services.

import { Json, JsonKind, Result, ok, refuse } from "@bulkhead/assemblyscript";

export type State = Map<string, Json>;

const MAX_ID_LENGTH = 64;
const MAX_NAME_LENGTH = 200;
const MAX_FIELDS = 64;

/** As it is stored. */
@json
export class Device {
  id!: string;
  name: string = "";
  desired: State = new Map<string, Json>();
  reported: State = new Map<string, Json>();
  createdAtMs: u64 = 0;
  updatedAtMs: u64 = 0;
}

/** As it is shown: with what is pending, which is never stored because it follows from the rest. */
@json
export class DeviceView {
  id: string = "";
  name: string = "";
  desired: State = new Map<string, Json>();
  reported: State = new Map<string, Json>();
  pending: State = new Map<string, Json>();
  createdAtMs: u64 = 0;
  updatedAtMs: u64 = 0;

  static of(device: Device): DeviceView {
    const view = new DeviceView();
    view.id = device.id;
    view.name = device.name;
    view.desired = device.desired;
    view.reported = device.reported;
    view.pending = pendingOf(device);
    view.createdAtMs = device.createdAtMs;
    view.updatedAtMs = device.updatedAtMs;
    return view;
  }
}

/** The desired fields that the device has not reported, or reported otherwise. */
export function pendingOf(device: Device): State {
  const pending = new Map<string, Json>();
  const names = device.desired.keys();
  for (let i = 0; i < names.length; i++) {
    const wanted = device.desired.get(names[i]);
    if (!device.reported.has(names[i]) || !device.reported.get(names[i]).equals(wanted)) pending.set(names[i], wanted);
  }
  return pending;
}

/**
 * Puts the fields of `change` into `state` and returns those that were different before; a field with the value null is taken out.
 * Nothing is touched when it fails.
 */
export function merge(state: State, change: State): Result<State> {
  const names = change.keys();
  const changed = new Map<string, Json>();
  let size = state.size;
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (!isName(name)) return refuse<State>("invalid-input", `"${name}" is no field name; write 1 to ${MAX_ID_LENGTH} letters, digits, _ or -`);
    const value = change.get(name);
    const known = state.has(name);
    if (value.kind == JsonKind.Null) {
      if (!known) continue;
      size--;
    } else {
      if (known && state.get(name).equals(value)) continue;
      if (!known) size++;
    }
    changed.set(name, value);
  }
  if (size > MAX_FIELDS) return refuse<State>("invalid-input", `a device has at most ${MAX_FIELDS} fields, this one would have ${size}`);
  const touched = changed.keys();
  for (let i = 0; i < touched.length; i++) {
    const value = changed.get(touched[i]);
    if (value.kind == JsonKind.Null) state.delete(touched[i]);
    else state.set(touched[i], value);
  }
  return ok<State>(changed);
}

/** The message that says what is wrong with an id, or null. Ids stand in URLs and keys, so they keep to few characters. */
export function idProblem(id: string): string | null {
  if (isName(id)) return null;
  return `"${id.substring(0, MAX_ID_LENGTH)}" is no device id; write 1 to ${MAX_ID_LENGTH} letters, digits, _ or -`;
}

export function nameProblem(name: string): string | null {
  return name.length <= MAX_NAME_LENGTH ? null : `the name has ${name.length} characters; the limit is ${MAX_NAME_LENGTH}`;
}

function isName(text: string): bool {
  if (text.length == 0 || text.length > MAX_ID_LENGTH) return false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const lower = unit | 0x20;
    const letter = lower >= 0x61 && lower <= 0x7a;
    if (!letter && (unit < 0x30 || unit > 0x39) && unit != 0x5f && unit != 0x2d) return false;
  }
  return true;
}
