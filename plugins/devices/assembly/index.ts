// The devices plugin: one export a service of plugin.json. What a device is stands in device.ts, where it is kept in store.ts.

import { Json, Nothing, Outcome, Result, clock, ok, refuse, service } from "@bulkhead/assemblyscript";
import { Device, DeviceView, State, idProblem, merge, nameProblem } from "./device";
import { Changes, exists, load, page, publishChange, publishCreated, publishRemoved, remove as removeStored, save } from "./store";

// plugin.json says how large a page may be.
const DEFAULT_PAGE: u32 = 100;

@json
class NewDevice {
  id!: string;
  name: string = "";
  desired: State = new Map<string, Json>();
}

@json
class DeviceId {
  id!: string;
}

@json
class NewState {
  id!: string;
  state!: State;
}

@json
class PageRequest {
  after: string | null = null;
  limit: u32 = DEFAULT_PAGE;
}

@json
class Page {
  devices: DeviceView[] = [];
  /** What to ask for with `after`, null at the end. */
  next: string | null = null;
}

export function create(): i32 {
  return service<NewDevice, DeviceView>((request) => {
    const badId = idProblem(request.id);
    if (badId !== null) return refuse<DeviceView>("invalid-input", badId);
    const badName = nameProblem(request.name);
    if (badName !== null) return refuse<DeviceView>("invalid-input", badName);
    const taken = exists(request.id);
    if (!taken.isOk) return taken.failure<DeviceView>();
    if (taken.value) return refuse<DeviceView>("conflict", `device ${request.id} exists already`);

    const device = new Device();
    device.id = request.id;
    device.name = request.name;
    device.createdAtMs = clock.now();
    const merged = merge(device.desired, request.desired);
    if (!merged.isOk) return merged.failure<DeviceView>();
    const saved = save(device);
    return saved.isOk ? answered(device, publishCreated(device)) : saved.failure<DeviceView>();
  });
}

export function get(): i32 {
  return service<DeviceId, DeviceView>((request) => {
    const device = load(request.id);
    return device.isOk ? ok<DeviceView>(DeviceView.of(device.value)) : device.failure<DeviceView>();
  });
}

export function list(): i32 {
  return service<PageRequest, Page>((request) => {
    const devices = page(request.after, request.limit);
    if (!devices.isOk) return devices.failure<Page>();
    const answer = new Page();
    const found = devices.value;
    for (let i = 0; i < found.length; i++) answer.devices.push(DeviceView.of(found[i]));
    if (found.length == <i32>request.limit) answer.next = found[found.length - 1].id;
    return ok(answer);
  });
}

export function remove(): i32 {
  return service<DeviceId, Nothing>((request) => {
    const removed = removeStored(request.id);
    return removed.isOk ? publishRemoved(request.id) : removed;
  });
}

export function set_state(): i32 {
  return service<NewState, DeviceView>((request) => wish(request.id, request.state));
}

export function turn_on(): i32 {
  return service<DeviceId, DeviceView>((request) => wish(request.id, switched(true)));
}

export function turn_off(): i32 {
  return service<DeviceId, DeviceView>((request) => wish(request.id, switched(false)));
}

export function report(): i32 {
  return service<NewState, DeviceView>((request) => {
    const loaded = load(request.id);
    if (!loaded.isOk) return loaded.failure<DeviceView>();
    const changes = new Changes();
    const merged = merge(loaded.value.reported, request.state);
    if (!merged.isOk) return merged.failure<DeviceView>();
    changes.reported = merged.value;
    return changed(loaded.value, changes);
  });
}

/** Desired, and no more: only the device itself can say that it is so, by devices.report. */
function wish(id: string, state: State): Result<DeviceView> {
  const loaded = load(id);
  if (!loaded.isOk) return loaded.failure<DeviceView>();
  const changes = new Changes();
  const merged = merge(loaded.value.desired, state);
  if (!merged.isOk) return merged.failure<DeviceView>();
  changes.desired = merged.value;
  return changed(loaded.value, changes);
}

/** A change that changes nothing is no event: who repeats himself wakes nobody. */
function changed(device: Device, changes: Changes): Result<DeviceView> {
  if (changes.desired.size + changes.reported.size == 0) return ok<DeviceView>(DeviceView.of(device));
  const saved = save(device);
  if (!saved.isOk) return saved.failure<DeviceView>();
  return answered(device, publishChange(device, changes));
}

function answered(device: Device, outcome: Outcome): Result<DeviceView> {
  return outcome.isOk ? ok<DeviceView>(DeviceView.of(device)) : outcome.failure<DeviceView>();
}

function switched(on: bool): State {
  const state = new Map<string, Json>();
  state.set("on", Json.of<bool>(on));
  return state;
}
