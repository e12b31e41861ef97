// The template for a new plugin: copy the folder, rename it, and keep what you need.

import { Nothing, Result, done, event, fail, log, ok, service } from "@bulkhead/assemblyscript";

// What travels as JSON is a class with @json above it. A field without a default is required.
@json
class Greet {
  name!: string;
}

@json
class Greeting {
  constructor(readonly message: string = "") {}
}

@json
class Joined {
  name: string = "someone";
}

// A service: plugin.json says that `hello.greet` is this export. `fail` is what the caller is told.
export function greet(): i32 {
  return service<Greet, Greeting>((request) => {
    if (request.name.trim().length == 0) return fail<Greeting>("name is empty");
    return ok(new Greeting(`Hello, ${request.name}!`));
  });
}

// An event handler: plugin.json subscribes it to `*.joined`, and the operator grants which of those it really gets.
export function on_joined(): i32 {
  return event<Joined>((event, data) => {
    log.info(`${data.name} joined, says ${event.source}`);
    return done();
  });
}
