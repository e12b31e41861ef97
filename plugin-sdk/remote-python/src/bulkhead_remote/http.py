# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says."""

from __future__ import annotations

from dataclasses import dataclass

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["Header", "Request", "Response", "FetchOptions", "Fetched", "fetch", "fetch_with"]


@dataclass(frozen=True)
class Header:
    name: str
    value: str


RECORDS[Header] = (("name", "name", "string"), ("value", "value", "string"),)


@dataclass(frozen=True)
class Request:
    method: str
    """GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS."""
    url: str
    """With the scheme https or http, without user and password."""
    headers: list[Header]
    """`{{secret:NAME}}` in a value is replaced by the host, towards the hosts that the operator named for that secret; it
    needs `secrets.read` on the name. Host, length and connection headers are the host's own.
    """


RECORDS[Request] = (("method", "method", "string"), ("url", "url", "string"), ("headers", "headers", ("list", Header)),)


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[Header]
    body: bytes
    """As it came: nothing is decompressed. In JSON it is base64 text."""


RECORDS[Response] = (("status", "status", "plain"), ("headers", "headers", ("list", Header)), ("body", "body", "bytes"),)


@dataclass(frozen=True)
class FetchOptions:
    timeout_ms: int | None = None
    """How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
    lengthens.
    """
    body_from: str | None = None
    """The name of a blob of the plugin's that is sent as the body; `body` must be empty then."""
    answer_into: str | None = None
    """The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
    appears whole, or not at all.
    """


RECORDS[FetchOptions] = (("timeout-ms", "timeout_ms", ("option", "plain")), ("body-from", "body_from", ("option", "string")), ("answer-into", "answer_into", ("option", "string")),)


@dataclass(frozen=True)
class Fetched:
    status: int
    headers: list[Header]
    body: bytes
    """As it came; empty when it went into a blob. In JSON it is base64 text."""
    stored: int | None = None
    """How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is."""


RECORDS[Fetched] = (("status", "status", "plain"), ("headers", "headers", ("list", Header)), ("body", "body", "bytes"), ("stored", "stored", ("option", "plain")),)


def fetch(request: Request, body: bytes) -> Response:
    """Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
    Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.

    Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
    deadline-exceeded, http-failed (the server could not be reached or broke off).
    """
    return asking("http.fetch", ((Request, request), ("bytes", body)), Response)


def fetch_with(request: Request, body: bytes, options: FetchOptions) -> Fetched:
    """Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
    the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.

    Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
    was replaced or removed meanwhile), storage-failed.
    """
    return asking("http.fetch-with", ((Request, request), ("bytes", body), (FetchOptions, options)), Fetched)
