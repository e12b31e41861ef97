"""Services behind a route with ``"request": "raw"`` or ``"blob"``: the request as it came, and an answer with status and headers. Both are a line of JSON, and behind its line
feed the bytes of the body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._error import Failure
from ._json import dumps, loads
from ._plugin import Request, bytes_of, service


# What nobody but the host can call a blob, so that no head which somebody else wrote leads to one.
_INCOMING = "~incoming/"


@dataclass(frozen=True)
class RouteBlob:
    """The blob that has the body, of a route with ``"request": "blob"``. It is gone after the turn, unless ``blobs.rename`` has given it another name."""

    name: str
    media_type: str
    size: int
    """In bytes."""
    etag: str


@dataclass(frozen=True)
class RouteRequest(Request):
    """A request, whose body is ``bytes``, ``text()`` or ``json()``: each byte as it came, which is what signatures are made of."""

    method: str
    path: str
    """As it was asked for, with its escapes."""
    query: str
    """What stands behind the question mark, with its escapes; ``urllib.parse.parse_qsl`` reads it."""
    params: Mapping[str, str]
    """Parameters of the route's path, decoded."""
    headers: tuple[tuple[str, str], ...]
    """Those that the route names and a few harmless ones, their names in lower case."""
    blob: RouteBlob | None = None
    """Where the body is, of a route with a blob."""

    def header(self, name: str) -> str | None:
        """The value of a header that came once. Raises Failure for one that came more often: which of them would a signature be for?"""
        values = [value for given, value in self.headers if given == name.lower()]
        if len(values) > 1:
            raise Failure(f"the header {name} is there twice")
        return values[0] if values else None


@dataclass(frozen=True)
class RouteAnswer:
    """Status (200 to 599), headers (docs/configuration.md says which there may be) and body: bytes, a str, None, or anything else as JSON."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    blob: str | None = None
    """The name of a blob that is the body, without one here."""


def raw_route(entry_point: str) -> Callable[[Callable[[RouteRequest], RouteAnswer]], Callable[[Request], bytes]]:
    """Answers a service of the manifest that a raw route leads to: a function of a RouteRequest, which answers a RouteAnswer."""

    def register(handler: Callable[[RouteRequest], RouteAnswer]) -> Callable[[Request], bytes]:
        return service(entry_point)(lambda request: _written(handler(_read(request.bytes))))

    return register


def _read(data: bytes) -> RouteRequest:
    head, found, body = data.partition(b"\n")
    if not found:
        raise Failure('the input is no raw request: the route needs "request": "raw" in plugin.json')
    given = loads(head.decode())
    headers = tuple((header["name"], header["value"]) for header in given["headers"])
    blob = _blob(given["blob"]) if "blob" in given else None
    return RouteRequest(body, given["method"], given["path"], given["query"], given["params"], headers, blob)


def _blob(given: Mapping[str, Any]) -> RouteBlob:
    if not given["name"].startswith(_INCOMING):
        raise Failure("the input is no raw request: its blob came by no route")
    return RouteBlob(given["name"], given["mediaType"], given["size"], given["etag"])


def _written(answer: RouteAnswer) -> bytes:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if not isinstance(answer.body, bytes | bytearray | str | None):
        headers.setdefault("content-type", "application/json")
    named = [{"name": name, "value": value} for name, value in headers.items()]
    blob = {} if answer.blob is None else {"blob": answer.blob}
    return dumps({"status": answer.status, "headers": named, **blob}) + b"\n" + bytes_of(answer.body)
