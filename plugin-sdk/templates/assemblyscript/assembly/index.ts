// Greets people, and counts how often. plugin.json names the exports below.

import { config, done, event, events, log, ok, refuse, service, storage } from "@bulkhead/assemblyscript";

@json
class Person {
  name!: string;
}

@json
class Greeting {
  constructor(
    public message: string = "",
    public times: i32 = 0,
  ) {}
}

@json
class Greeted {
  constructor(
    public name: string = "",
    public times: i32 = 0,
  ) {}
}

function messageTo(name: string): string {
  const greeting = config.get("greeting").value;
  return (greeting === null ? "Hello" : greeting) + ", " + name + "!";
}

export function greet(): i32 {
  return service<Person, Greeting>((person) => {
    if (person.name.length == 0) return refuse<Greeting>("invalid-input", "name is empty");
    const key = "times/" + person.name;
    const before = storage.getText(key);
    if (!before.isOk) return before.failure<Greeting>();
    const text = before.value;
    const times = (text === null ? 0 : I32.parseInt(text)) + 1;
    const saved = storage.setText(key, times.toString());
    if (!saved.isOk) return saved.failure<Greeting>();
    const published = events.publish<Greeted>("my-plugin.greeted", new Greeted(person.name, times));
    if (!published.isOk) return published.failure<Greeting>();
    return ok(new Greeting(messageTo(person.name), times));
  });
}

export function on_arrived(): i32 {
  return event<Person>((_event, person) => {
    log.info(messageTo(person.name));
    return done();
  });
}
