// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package state:
// Last values that plugins share. Volatile: empty after a restart of the host.
package state

import "bulkhead.local/sdk/internal/abi"

//go:wasmimport extism:host/user state_get
func stateGet(key uint64) uint64

// Get:
// The value, or none when nobody has set the key. Needs `state.read`.
func Get(key string) (value []byte, found bool, err error) {
	call := abi.Begin()
	return call.OptionalBytesAnswer(stateGet(call.Text(key)))
}

//go:wasmimport extism:host/user state_set
func stateSet(key uint64, value uint64) uint64

// Set:
// Sets a value of at most 64 KiB. Needs `state.write`.
func Set(key string, value []byte) error {
	call := abi.Begin()
	return call.Nothing(stateSet(call.Text(key), call.Bytes(value)))
}

//go:wasmimport extism:host/user state_delete
func stateDelete(key uint64) uint64

// Delete:
// Removes a value and says whether there was one. Needs `state.write`.
func Delete(key string) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, stateDelete(call.Text(key)))
}

//go:wasmimport extism:host/user state_keys
func stateKeys(prefix uint64) uint64

// Keys:
// The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
func Keys(prefix string) ([]string, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]string](call, stateKeys(call.Text(prefix)))
}
