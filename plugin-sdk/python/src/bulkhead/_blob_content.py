"""Contents of blobs as a whole, and piece by piece."""

from collections.abc import Iterable, Iterator

from . import blobs
from ._error import HostError

_PIECE_BYTES = 65_536


def write_blob(
    name: str,
    content: bytes | Iterable[bytes],
    media_type: str = "application/octet-stream",
    metadata: list[blobs.Property] | None = None,
) -> blobs.Blob:
    """Writes a blob, in place of one that has the name: bytes, or pieces as they come, of which only one is in memory. It appears when all of
    them are written; when one cannot be had or written, nothing of it stays.

    Raises HostError as ``blobs.create``, ``append`` and ``finish`` do, and what the pieces raise.
    """
    writer = blobs.create(name, media_type, metadata or [])
    try:
        for one in [content] if isinstance(content, bytes) else content:
            for at in range(0, len(one), _PIECE_BYTES):
                blobs.append(writer, one[at : at + _PIECE_BYTES])
    except BaseException:
        blobs.discard(writer)
        raise
    return blobs.finish(writer)


def blob_pieces(name: str) -> Iterator[bytes]:
    """The content in pieces of 64 KiB, the last one shorter.

    Raises HostError: ``invalid-message`` when there is no such blob, ``conflict`` when it is replaced or removed meanwhile.
    """
    found = blobs.stat(name)
    if found is None:
        raise HostError("invalid-message", f'there is no blob "{name}"')
    for at in range(0, found.size, _PIECE_BYTES):
        yield blobs.read(name, at, _PIECE_BYTES, found.etag)


def read_blob(name: str) -> bytes:
    """The whole content, which is in the plugin's memory then. Raises HostError as ``blob_pieces`` does."""
    return b"".join(blob_pieces(name))
