// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package log:
// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.
package log

import "bulkhead.local/sdk/internal/abi"

type Level string

const (
	LevelDebug   Level = "debug"
	LevelInfo    Level = "info"
	LevelWarning Level = "warning"
	LevelError   Level = "error"
)

//go:wasmimport extism:host/user log_write
func logWrite(level uint64, message uint64) uint64

// Write:
// Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
func Write(level Level, message string) error {
	call := abi.Begin()
	return call.Nothing(logWrite(call.JSON(level), call.Text(message)))
}
