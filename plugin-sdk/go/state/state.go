// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package state:
// Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage.
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

// Versioned:
// A value with what is known of it.
type Versioned struct {
	Value []byte `json:"value"`
	// Grows with each change of any key, so a key that was removed and set again has another.
	Revision uint64 `json:"revision"`
	// The plugin that set it last.
	Owner string `json:"owner"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Versioned) MarshalJSON() ([]byte, error) {
	type plain Versioned
	whole := plain(value)
	whole.Value = abi.List(whole.Value)
	return abi.Marshal(whole)
}

//go:wasmimport extism:host/user state_get_versioned
func stateGetVersioned(key uint64) uint64

// GetVersioned:
// The value with its revision, or none when nobody has set the key. Needs `state.read`.
func GetVersioned(key string) (*Versioned, error) {
	call := abi.Begin()
	return abi.JSONAnswer[*Versioned](call, stateGetVersioned(call.Text(key)))
}

type Write struct {
	Key string `json:"key"`
	// None removes the key.
	Value []byte `json:"value"`
	// The revision that must be there, 0 for none; none for whatever is there.
	Expected *uint64 `json:"expected"`
	// How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
	TtlMS *uint64 `json:"ttl-ms"`
}

//go:wasmimport extism:host/user state_put
func statePut(write uint64) uint64

// Put:
// Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
// changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
//
// Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
func Put(write Write) (*uint64, error) {
	call := abi.Begin()
	return abi.JSONAnswer[*uint64](call, statePut(call.JSON(write)))
}

//go:wasmimport extism:host/user state_list_keys
func stateListKeys(prefix uint64, after uint64, limit uint64) uint64

// ListKeys:
// Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
// keys than asked for although more follow, and none only when none follow.
func ListKeys(prefix string, after *string, limit uint32) ([]string, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]string](call, stateListKeys(call.Text(prefix), call.OptionalText(after), call.JSON(limit)))
}
