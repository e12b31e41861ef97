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
