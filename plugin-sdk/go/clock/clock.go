// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

package clock

import "bulkhead.local/sdk/internal/abi"

//go:wasmimport extism:host/user clock_now
func clockNow() uint64

// Now:
// Milliseconds since 1970-01-01T00:00:00Z.
func Now() uint64 {
	call := abi.Begin()
	return abi.Must(abi.JSONAnswer[uint64](call, clockNow()))
}

//go:wasmimport extism:host/user clock_monotonic
func clockMonotonic() uint64

// Monotonic:
// Nanoseconds since an arbitrary moment; never goes back.
func Monotonic() uint64 {
	call := abi.Begin()
	return abi.Must(abi.JSONAnswer[uint64](call, clockMonotonic()))
}
