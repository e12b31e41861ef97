"""Keeps a plugin at its host: dials, and dials again with growing pauses."""

import hashlib
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import NoReturn

import grpc

from ._plugin import entry_points
from ._session import Session

_FIRST_PAUSE_S = 0.1
_MAX_PAUSE_S = 10.0
_DEFAULT_ADDRESS = "127.0.0.1:7422"
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


def connect(
    manifest: str | Path,
    address: str | None = None,
    token: str | None = None,
    credentials: grpc.ChannelCredentials | None = None,
) -> NoReturn:
    """Serves the plugin of this plugin.json for as long as the process lives. By default the address is ``BULKHEAD_REMOTE`` of the environment or 127.0.0.1:7422, and
    the token ``BULKHEAD_REMOTE_TOKEN``; with ``credentials`` it speaks TLS. Raises OSError and ValueError for a manifest that cannot be read."""
    text = Path(manifest).read_bytes()
    said = json.loads(text)
    hello = {
        "plugin": said["name"],
        "version": said["version"],
        "api": said["api"],
        "entry_points": entry_points(),
        "manifest_sha256": hashlib.sha256(text).digest(),
    }
    target = address or os.environ.get("BULKHEAD_REMOTE") or _DEFAULT_ADDRESS
    shown = token or os.environ.get("BULKHEAD_REMOTE_TOKEN")
    metadata = [] if shown is None else [("authorization", f"Bearer {shown}")]
    pause = _FIRST_PAUSE_S

    def welcomed(session: str) -> None:
        nonlocal pause
        pause = _FIRST_PAUSE_S
        _tell(f"{said['name']}: connected, session {session}")

    while True:
        with _dial(target, credentials) as channel:
            why = Session(hello, welcomed).run(channel, metadata)
        # Many that lost their host at once must not come back at once.
        wait = pause * (0.5 + random.random() / 2)
        _tell(f"{said['name']}: {why}; dials again in {round(wait * 1000)} ms")
        time.sleep(wait)
        pause = min(2 * pause, _MAX_PAUSE_S)


def _dial(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
    return grpc.insecure_channel(target, _OPTIONS) if credentials is None else grpc.secure_channel(target, credentials, _OPTIONS)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
