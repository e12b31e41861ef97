// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package blobs:
// What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so
// they need no permission; they have a quota. A name is 1 to 512 bytes of UTF-8 and means nothing to the host: `a/b` is not in a folder, and
// `../a` leads nowhere. Names that begin with `~incoming/` are the host's: bodies of requests that are on their way to the plugin.
package blobs

import "bulkhead.local/sdk/internal/abi"

type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type Blob struct {
	Name string `json:"name"`
	// Such as `text/csv`.
	MediaType string     `json:"media-type"`
	Metadata  []Property `json:"metadata"`
	// In bytes.
	Size uint64 `json:"size"`
	// Names this very content: whatever replaces it has another one.
	Etag string `json:"etag"`
	// When it was finished, in milliseconds since 1970.
	Modified uint64 `json:"modified"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Blob) MarshalJSON() ([]byte, error) {
	type plain Blob
	whole := plain(value)
	whole.Metadata = abi.List(whole.Metadata)
	return abi.Marshal(whole)
}

//go:wasmimport extism:host/user blobs_create
func blobsCreate(name uint64, mediaType uint64, metadata uint64) uint64

// Create:
// Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
// however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
// own use.
//
// Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
// storage-failed.
func Create(name string, mediaType string, metadata []Property) (uint32, error) {
	call := abi.Begin()
	return abi.JSONAnswer[uint32](call, blobsCreate(call.Text(name), call.Text(mediaType), call.JSON(abi.List(metadata))))
}

//go:wasmimport extism:host/user blobs_append
func blobsAppend(writer uint64, bytes uint64) uint64

// Append:
// Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
//
// Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
// writer is gone).
func Append(writer uint32, bytes []byte) error {
	call := abi.Begin()
	return call.Nothing(blobsAppend(call.JSON(writer), call.Bytes(bytes)))
}

//go:wasmimport extism:host/user blobs_finish
func blobsFinish(writer uint64) uint64

// Finish:
// Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
//
// Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
// first.
func Finish(writer uint32) (Blob, error) {
	call := abi.Begin()
	return abi.JSONAnswer[Blob](call, blobsFinish(call.JSON(writer)))
}

//go:wasmimport extism:host/user blobs_discard
func blobsDiscard(writer uint64) uint64

// Discard:
// Drops what was begun and says whether there was such a writer.
func Discard(writer uint32) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, blobsDiscard(call.JSON(writer)))
}

//go:wasmimport extism:host/user blobs_read
func blobsRead(name uint64, offset uint64, length uint64, etag uint64) uint64

// Read:
// Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
// blob to read several pieces of one and the same content.
//
// Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
// storage-failed.
func Read(name string, offset uint64, length uint32, etag *string) ([]byte, error) {
	call := abi.Begin()
	return call.BytesAnswer(blobsRead(call.Text(name), call.JSON(offset), call.JSON(length), call.OptionalText(etag)))
}

//go:wasmimport extism:host/user blobs_stat
func blobsStat(name uint64) uint64

// Stat:
// What is known of a blob, or none when there is none of that name.
//
// Fails with invalid-message (name), storage-failed.
func Stat(name string) (*Blob, error) {
	call := abi.Begin()
	return abi.JSONAnswer[*Blob](call, blobsStat(call.Text(name)))
}

//go:wasmimport extism:host/user blobs_scan
func blobsScan(prefix uint64, after uint64, limit uint64) uint64

// Scan:
// The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
// with the last name as `after` until there are none.
//
// Fails with invalid-message (prefix, after, limit), storage-failed.
func Scan(prefix string, after *string, limit uint32) ([]Blob, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]Blob](call, blobsScan(call.Text(prefix), call.OptionalText(after), call.JSON(limit)))
}

//go:wasmimport extism:host/user blobs_rename
func blobsRename(name uint64, to uint64) uint64

// Rename:
// Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
//
// Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
func Rename(name string, to string) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, blobsRename(call.Text(name), call.Text(to)))
}

//go:wasmimport extism:host/user blobs_delete
func blobsDelete(name uint64) uint64

// Delete:
// Removes a blob and says whether there was one.
//
// Fails with invalid-message (name), storage-failed.
func Delete(name string) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, blobsDelete(call.Text(name)))
}
