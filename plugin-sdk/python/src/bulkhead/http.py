# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says."""

from wit_world.imports import http as _host
from wit_world.imports.http import Header, Request, Response

from ._error import asking

__all__ = ["Header", "Request", "Response", "fetch"]


def fetch(request: Request, body: bytes) -> Response:
    """Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
    Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.

    Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
    deadline-exceeded, http-failed (the server could not be reached or broke off).
    """
    with asking():
        return _host.fetch(request, body)
