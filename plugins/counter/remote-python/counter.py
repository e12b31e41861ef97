"""Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md), as a process of its own."""

import json
from pathlib import Path
from typing import Any

from bulkhead_remote import Event, Failure, HostError, Request, clock, config, connect, dumps, events, extensions, log, on, on_load, random, service, services, state, storage

LAST_LIVES_MS = 60_000
SURVEY_MS = 2_000


def stored() -> tuple[int, Any]:
    """How many were counted, and the last as it is stored."""
    count, last = storage.get_many(["count", "last"])
    return (0 if count is None else int(count)), (None if last is None else json.loads(last))


@on_load
def load() -> None:
    log.write(log.Level.DEBUG, "counter loaded")


@on("on_measured")
def measured(event: Event) -> None:
    sensor, value = event.data["sensor"], event.data["value"]
    count = stored()[0] + 1
    storage.apply(
        [
            storage.Change("count", str(count).encode(), None),
            storage.Change("last", dumps({"sensor": sensor, "value": value}), LAST_LIVES_MS),
            storage.Change("stale", None, None),
        ]
    )
    events.publish("counter.counted", "application/json", dumps({"count": count, "sensor": sensor}))
    log.write(log.Level.INFO, f"greeter said: {services.call('greeter.greet', sensor.encode()).decode()}")


@service("read")
def read(_request: Request) -> dict[str, Any]:
    count, last = stored()
    return {"count": count, "last": last}


@service("environment")
def environment(_request: Request) -> dict[str, Any]:
    first = clock.monotonic()
    one, other = random.bytes(16), random.bytes(16)
    caller = services.current_caller()
    return {
        "unit": config.get("unit"),
        "now": clock.now() > 1_600_000_000_000,
        "monotonic": clock.monotonic() >= first,
        "random": len(one) == 16 and len(other) == 16 and one != other,
        "caller": f"{caller.kind.name.lower()}:{caller.name}",
    }


@service("denied")
def denied(_request: Request) -> list[str]:
    refusals = []
    for ask in (lambda: services.call("vault.open", b""), lambda: state.set("vault.key", b"x")):
        try:
            ask()
        except HostError as refusal:
            refusals.append(refusal)
    if len(refusals) < 2:
        raise Failure("nothing was denied")
    log.write(log.Level.WARNING, refusals[0].message)
    return [refusal.code for refusal in refusals]


@service("survey")
def survey(request: Request) -> str:
    answers = extensions.ask("lab.greeting", request.bytes, SURVEY_MS)
    return "\n".join(f"{answer.plugin}: {answer.output.decode()}" for answer in answers)


@service("echo")
def echo(request: Request) -> bytes:
    return request.bytes


@service("greet")
def greet(request: Request) -> str:
    return f"Grüße, {request.text()} 🌍 — 你好"


@service("fail")
def fail(request: Request) -> None:
    raise Failure(f"failed on purpose: {request.text()}")


@service("crash")
def crash(_request: Request) -> None:
    raise RuntimeError("crashed on purpose")


if __name__ == "__main__":
    connect(Path(__file__).parent / "plugin.json")
