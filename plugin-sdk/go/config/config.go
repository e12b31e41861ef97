// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package config:
// What the operator configured for this plugin.
package config

import "bulkhead.local/sdk/internal/abi"

//go:wasmimport extism:host/user config_get
func configGet(key uint64) uint64

// Get:
// The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
func Get(key string) (value string, found bool, err error) {
	call := abi.Begin()
	return call.OptionalTextAnswer(configGet(call.Text(key)))
}
