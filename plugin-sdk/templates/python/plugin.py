"""Greets people, and counts how often. plugin.json names the functions with a decorator. What stands outside of them runs when the plugin is built: randomness
and the time belong into functions."""

from bulkhead import EntryPoints, Event, Refusal, Request, config, dumps, events, log, on, service, storage

__all__ = ["EntryPoints"]


def message_to(name: str) -> str:
    return f"{config.get('greeting') or 'Hello'}, {name}!"


@service("greet")
def greet(request: Request) -> dict[str, object]:
    person = request.json()
    name = person.get("name") if isinstance(person, dict) else None
    if not isinstance(name, str) or name == "":
        raise Refusal("invalid-input", "name is empty")
    key = f"times/{name}"
    times = int(storage.get(key) or b"0") + 1
    storage.set(key, str(times).encode())
    events.publish("my-plugin.greeted", "application/json", dumps({"name": name, "times": times}))
    return {"message": message_to(name), "times": times}


@on("on_arrived")
def on_arrived(event: Event) -> None:
    log.write(log.Level.INFO, message_to(event.data["name"]))
