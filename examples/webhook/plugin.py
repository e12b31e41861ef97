"""Takes what a code hosting service sends at each push, if its signature is right, and shows how many there were."""

import hashlib
import hmac
import json

from bulkhead import EntryPoints, RouteAnswer, RouteRequest, config, dumps, events, raw_route, storage

__all__ = ["EntryPoints"]

BADGE = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20"><text x="5" y="15">{} pushes</text></svg>'


def is_signed(request: RouteRequest) -> bool:
    """Whether who sent this knows the secret. The signature is of the body's bytes; compared in a time that tells nothing."""
    secret = config.get("secret")
    given = request.header("x-hub-signature-256")
    if not secret or given is None:
        return False
    expected = "sha256=" + hmac.new(secret.encode(), request.bytes, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode())


@raw_route("receive")
def receive(request: RouteRequest) -> RouteAnswer:
    if not is_signed(request):
        return RouteAnswer(401, body="the signature is not right")
    try:
        branch = json.loads(request.bytes)["ref"]
    except (ValueError, KeyError, TypeError):
        return RouteAnswer(422, body="no push")
    key = f"pushes/{request.params['project']}"
    storage.set(key, str(int(storage.get(key) or b"0") + 1).encode())
    events.publish("webhook.pushed", "application/json", dumps({"project": request.params["project"], "branch": branch}))
    return RouteAnswer(204)


@raw_route("badge")
def badge(request: RouteRequest) -> RouteAnswer:
    count = int(storage.get(f"pushes/{request.params['project']}") or b"0")
    headers = {"content-type": "image/svg+xml", "cache-control": "no-cache"}
    return RouteAnswer(200, headers, BADGE.format(count))
