// The template for a new plugin: copy the folder, give it a name of its own here and in plugin.json, and keep what you need.

import { done, event, log, ok, refuse, service } from "@bulkhead/assemblyscript";

// What travels as JSON is a class with @json above it. A field without a default is required; the SDK refuses input without it, and
// input of the wrong type, before your code runs.
@json
class Greet {
  name!: string;
}

@json
class Greeting {
  constructor(readonly message: string = "") {}
}

@json
class Device {
  id!: string;
  name: string = "";
}

// A service. plugin.json says that `hello.greet` is this export. `ok` answers; `refuse` says no, with a reason that the caller can act on.
export function greet(): i32 {
  return service<Greet, Greeting>((request) => {
    if (request.name.trim().length == 0) return refuse<Greeting>("invalid-input", "name is empty");
    return ok(new Greeting(`Hello, ${request.name}!`));
  });
}

// An event. plugin.json subscribes to it and asks the operator for the permission, with a reason.
export function on_device_created(): i32 {
  return event<Device>((event, device) => {
    log.info(`Hello, ${device.name.length > 0 ? device.name : device.id}, says ${event.source}!`);
    return done();
  });
}
