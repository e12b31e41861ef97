// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package storage:
// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.
package storage

import "bulkhead.local/sdk/internal/abi"

//go:wasmimport extism:host/user storage_get
func storageGet(key uint64) uint64

// Get:
// The value, or none when the key is absent.
//
// Fails with invalid-message (key), storage-failed.
func Get(key string) (value []byte, found bool, err error) {
	call := abi.Begin()
	return call.OptionalBytesAnswer(storageGet(call.Text(key)))
}

//go:wasmimport extism:host/user storage_set
func storageSet(key uint64, value uint64) uint64

// Set:
// Sets a value. Once this returns the value survives a crash of the host's process.
//
// Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
func Set(key string, value []byte) error {
	call := abi.Begin()
	return call.Nothing(storageSet(call.Text(key), call.Bytes(value)))
}

//go:wasmimport extism:host/user storage_delete
func storageDelete(key uint64) uint64

// Delete:
// Removes a value and says whether there was one.
func Delete(key string) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, storageDelete(call.Text(key)))
}

//go:wasmimport extism:host/user storage_get_many
func storageGetMany(keys uint64) uint64

// GetMany:
// The values of up to 1,000 keys, each in its key's place, none for an absent one.
//
// Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
func GetMany(keys []string) ([][]byte, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[][]byte](call, storageGetMany(call.JSON(abi.List(keys))))
}

type Change struct {
	Key string `json:"key"`
	// None removes the key.
	Value []byte `json:"value"`
	// How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
	TtlMS *uint64 `json:"ttl-ms"`
}

//go:wasmimport extism:host/user storage_apply
func storageApply(changes uint64) uint64

// Apply:
// Makes up to 1,000 changes in this order: all of them, or none when one fails.
//
// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
func Apply(changes []Change) error {
	call := abi.Begin()
	return call.Nothing(storageApply(call.JSON(abi.List(changes))))
}

//go:wasmimport extism:host/user storage_keys
func storageKeys(prefix uint64, after uint64, limit uint64) uint64

// Keys:
// The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
// 1,000). Ask again with the last key as `after` for the next page.
func Keys(prefix string, after *string, limit uint32) ([]string, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]string](call, storageKeys(call.Text(prefix), call.OptionalText(after), call.JSON(limit)))
}

type Versioned struct {
	Value []byte `json:"value"`
	// Of the commit that set the value. Versions of a plugin's commits only grow and are never used again.
	Version uint64 `json:"version"`
	// When the value ends, in milliseconds since 1970; none for never.
	ExpiresAt *uint64 `json:"expires-at"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Versioned) MarshalJSON() ([]byte, error) {
	type plain Versioned
	whole := plain(value)
	whole.Value = abi.List(whole.Value)
	return abi.Marshal(whole)
}

//go:wasmimport extism:host/user storage_get_versioned
func storageGetVersioned(key uint64) uint64

// GetVersioned:
// The value with its version, or none when the key is absent.
//
// Fails with invalid-message (key), storage-failed.
func GetVersioned(key string) (*Versioned, error) {
	call := abi.Begin()
	return abi.JSONAnswer[*Versioned](call, storageGetVersioned(call.Text(key)))
}

type Check struct {
	Key string `json:"key"`
	// What the key's version must be; 0 for a key that must be absent.
	Version uint64 `json:"version"`
}

type CommitOutcome struct {
	// False when a check failed; then nothing was changed.
	Committed bool `json:"committed"`
	// The one version of all values that the commit set; 0 when it changed nothing.
	Version uint64 `json:"version"`
}

//go:wasmimport extism:host/user storage_commit
func storageCommit(checks uint64, changes uint64) uint64

// Commit:
// Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
// that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
// counts as absent.
//
// Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
// in all), storage-failed.
func Commit(checks []Check, changes []Change) (CommitOutcome, error) {
	call := abi.Begin()
	return abi.JSONAnswer[CommitOutcome](call, storageCommit(call.JSON(abi.List(checks)), call.JSON(abi.List(changes))))
}

type Entry struct {
	Key     string `json:"key"`
	Value   []byte `json:"value"`
	Version uint64 `json:"version"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Entry) MarshalJSON() ([]byte, error) {
	type plain Entry
	whole := plain(value)
	whole.Value = abi.List(whole.Value)
	return abi.Marshal(whole)
}

type Page struct {
	Entries []Entry `json:"entries"`
	// What `after` must be for the next page; none when this is the last one.
	Next *string `json:"next"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Page) MarshalJSON() ([]byte, error) {
	type plain Page
	whole := plain(value)
	whole.Entries = abi.List(whole.Entries)
	return abi.Marshal(whole)
}

//go:wasmimport extism:host/user storage_scan
func storageScan(prefix uint64, after uint64, limit uint64, reverse uint64) uint64

// Scan:
// The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
// `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
// ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
//
// Fails with invalid-message (prefix, after, limit), storage-failed.
func Scan(prefix string, after *string, limit uint32, reverse bool) (Page, error) {
	call := abi.Begin()
	return abi.JSONAnswer[Page](call, storageScan(call.Text(prefix), call.OptionalText(after), call.JSON(limit), call.JSON(reverse)))
}

type Logged struct {
	// The version of the commit.
	Seq     uint64 `json:"seq"`
	Key     string `json:"key"`
	Removed bool   `json:"removed"`
	// Milliseconds since 1970.
	Time uint64 `json:"time"`
	// The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn.
	Trace *string `json:"trace"`
}

//go:wasmimport extism:host/user storage_changes
func storageChanges(after uint64, limit uint64) uint64

// Changes:
// What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
// least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
// more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
// `"storage": { "log": true }`; it is trimmed by age, count and size.
//
// Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
// the storage and go on from there), invalid-message (limit, no log), storage-failed.
func Changes(after uint64, limit uint32) ([]Logged, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]Logged](call, storageChanges(call.JSON(after), call.JSON(limit)))
}
