# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says."""

from wit_world.imports import http as _host
from wit_world.imports.http import Header, Request, Response, FetchOptions, Fetched

from ._error import asking

__all__ = ["Header", "Request", "Response", "FetchOptions", "Fetched", "fetch", "fetch_with"]


def fetch(request: Request, body: bytes) -> Response:
    """Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
    Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.

    Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
    deadline-exceeded, http-failed (the server could not be reached or broke off).
    """
    with asking():
        return _host.fetch(request, body)


def fetch_with(request: Request, body: bytes, options: FetchOptions) -> Fetched:
    """Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
    the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.

    Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
    was replaced or removed meanwhile), storage-failed.
    """
    with asking():
        return _host.fetch_with(request, body, options)
