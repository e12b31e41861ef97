// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

package random

import "bulkhead.local/sdk/internal/abi"

//go:wasmimport extism:host/user random_bytes
func randomBytes(length uint64) uint64

// Bytes:
// Bytes from the host's cryptographic generator, 0 to 65,536 of them.
//
// Fails with invalid-message (length).
func Bytes(length uint32) ([]byte, error) {
	call := abi.Begin()
	return call.BytesAnswer(randomBytes(call.JSON(length)))
}
