# Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
"""What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so
they need no permission; they have a quota. A name is 1 to 512 bytes of UTF-8 and means nothing to the host: `a/b` is not in a folder, and
`../a` leads nowhere. Names that begin with `~incoming/` are the host's: bodies of requests that are on their way to the plugin.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._blocks import RECORDS
from ._turn import asking

__all__ = ["Property", "Blob", "create", "append", "finish", "discard", "read", "stat", "scan", "rename", "delete"]


@dataclass(frozen=True)
class Property:
    name: str
    value: str


RECORDS[Property] = (("name", "name", "string"), ("value", "value", "string"),)


@dataclass(frozen=True)
class Blob:
    name: str
    media_type: str
    """Such as `text/csv`."""
    metadata: list[Property]
    size: int
    """In bytes."""
    etag: str
    """Names this very content: whatever replaces it has another one."""
    modified: int
    """When it was finished, in milliseconds since 1970."""


RECORDS[Blob] = (("name", "name", "string"), ("media-type", "media_type", "string"), ("metadata", "metadata", ("list", Property)), ("size", "size", "plain"), ("etag", "etag", "string"), ("modified", "modified", "plain"),)


def create(name: str, media_type: str, metadata: list[Property]) -> int:
    """Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
    however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
    own use.

    Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
    storage-failed.
    """
    return asking("blobs.create", (("string", name), ("string", media_type), (("list", Property), metadata)), "plain")


def append(writer: int, bytes: bytes) -> None:
    """Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.

    Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
    writer is gone).
    """
    return asking("blobs.append", (("plain", writer), ("bytes", bytes)), None)


def finish(writer: int) -> Blob:
    """Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.

    Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
    first.
    """
    return asking("blobs.finish", (("plain", writer),), Blob)


def discard(writer: int) -> bool:
    """Drops what was begun and says whether there was such a writer."""
    return asking("blobs.discard", (("plain", writer),), "plain")


def read(name: str, offset: int, length: int, etag: str | None = None) -> bytes:
    """Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
    blob to read several pieces of one and the same content.

    Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
    storage-failed.
    """
    return asking("blobs.read", (("string", name), ("plain", offset), ("plain", length), (("option", "string"), etag)), "bytes")


def stat(name: str) -> Blob | None:
    """What is known of a blob, or none when there is none of that name.

    Fails with invalid-message (name), storage-failed.
    """
    return asking("blobs.stat", (("string", name),), ("option", Blob))


def scan(prefix: str, after: str | None, limit: int) -> list[Blob]:
    """The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
    with the last name as `after` until there are none.

    Fails with invalid-message (prefix, after, limit), storage-failed.
    """
    return asking("blobs.scan", (("string", prefix), (("option", "string"), after), ("plain", limit)), ("list", Blob))


def rename(name: str, to: str) -> bool:
    """Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.

    Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
    """
    return asking("blobs.rename", (("string", name), ("string", to)), "plain")


def delete(name: str) -> bool:
    """Removes a blob and says whether there was one.

    Fails with invalid-message (name), storage-failed.
    """
    return asking("blobs.delete", (("string", name),), "plain")
