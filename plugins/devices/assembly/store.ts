// Devices in storage, one key a device, and the events that tell of them.

import { Json, Nothing, Outcome, Result, clock, done, events, fail, ok, refuse, storage } from "@bulkhead/assemblyscript";
import { Device, DeviceView, State, idProblem, pendingOf } from "./device";

const PREFIX = "device/";

@json
export class StateChanged {
  id: string = "";
  changed: Changes = new Changes();
  desired: State = new Map<string, Json>();
  reported: State = new Map<string, Json>();
  pending: State = new Map<string, Json>();
}

/** The fields that this very change touched, with their new values; null for a field that is gone. */
@json
export class Changes {
  desired: State = new Map<string, Json>();
  reported: State = new Map<string, Json>();
}

@json
class Removed {
  id: string = "";
}

/** Fails when there is none, so that every service says it the same way. */
export function load(id: string): Result<Device> {
  const problem = idProblem(id);
  if (problem !== null) return refuse<Device>("invalid-input", problem);
  const stored = storage.getJson<Device>(PREFIX + id);
  if (!stored.isOk) return stored.failure<Device>();
  const device = stored.value;
  return device === null ? refuse<Device>("not-found", `no device ${id}`) : ok<Device>(device);
}

export function exists(id: string): Result<bool> {
  const stored = storage.get(PREFIX + id);
  if (!stored.isOk) return stored.failure<bool>();
  return ok(stored.value !== null);
}

export function save(device: Device): Outcome {
  device.updatedAtMs = clock.now();
  return storage.setJson<Device>(PREFIX + device.id, device);
}

export function remove(id: string): Outcome {
  const problem = idProblem(id);
  if (problem !== null) return refuse<Nothing>("invalid-input", problem);
  const removed = storage.remove(PREFIX + id);
  if (!removed.isOk) return removed.failure<Nothing>();
  return removed.value ? done() : refuse<Nothing>("not-found", `no device ${id}`);
}

/** At most `limit` devices after the id `after`, in the order of their ids. */
export function page(after: string | null, limit: u32): Result<Device[]> {
  const keys = storage.keys(PREFIX, after === null ? null : PREFIX + after, limit);
  if (!keys.isOk) return keys.failure<Device[]>();
  const devices: Device[] = [];
  for (let i = 0; i < keys.value.length; i++) {
    const stored = storage.getJson<Device>(keys.value[i]);
    if (!stored.isOk) return stored.failure<Device[]>();
    const device = stored.value;
    if (device !== null) devices.push(device);
  }
  return ok(devices);
}

export function publishCreated(device: Device): Outcome {
  return published(device.id, "created", events.publish<DeviceView>("devices.created", DeviceView.of(device)));
}

export function publishRemoved(id: string): Outcome {
  const removed = new Removed();
  removed.id = id;
  return published(id, "removed", events.publish<Removed>("devices.removed", removed));
}

export function publishChange(device: Device, changes: Changes): Outcome {
  const event = new StateChanged();
  event.id = device.id;
  event.changed = changes;
  event.desired = device.desired;
  event.reported = device.reported;
  event.pending = pendingOf(device);
  return published(device.id, "changed", events.publish<StateChanged>("devices.state-changed", event));
}

/** What is stored stays stored: whoever asked learns that only the news of it got lost. */
function published(id: string, what: string, result: Result<string>): Outcome {
  if (result.isOk) return done();
  return fail<Nothing>(`device ${id} is ${what}, but its event was not published: ${result.error.toString()}`);
}
