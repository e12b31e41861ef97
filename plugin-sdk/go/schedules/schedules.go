// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package schedules:
// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.
package schedules

import "bulkhead.local/sdk/internal/abi"

// Missed:
// What becomes of a time that passed while the plugin or the host did not run.
type Missed string

const (
	MissedSkip Missed = "skip"
	MissedOnce Missed = "once"
)

type Schedule struct {
	// 1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule.
	Name string `json:"name"`
	// The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was.
	EntryPoint string `json:"entry-point"`
	// One of these three. A cron expression: five fields, or six with seconds first.
	Cron *string `json:"cron"`
	// Milliseconds from one time to the next, 1,000 or more.
	EveryMS *uint64 `json:"every-ms"`
	// One moment, in milliseconds since 1970.
	AtMS *uint64 `json:"at-ms"`
	// Of cron, such as `Europe/Berlin`; none is UTC.
	Timezone *string `json:"timezone"`
	Missed   Missed  `json:"missed"`
}

type Planned struct {
	Name string `json:"name"`
	// In milliseconds since 1970; none for what has had its one moment.
	NextMS *uint64 `json:"next-ms"`
	// It stands in the manifest, so it cannot be cancelled.
	ByManifest bool `json:"by-manifest"`
}

//go:wasmimport extism:host/user schedules_set
func schedulesSet(schedule uint64) uint64

// Set:
// Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
//
// Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
// storage-failed.
func Set(schedule Schedule) (uint64, error) {
	call := abi.Begin()
	return abi.JSONAnswer[uint64](call, schedulesSet(call.JSON(schedule)))
}

//go:wasmimport extism:host/user schedules_cancel
func schedulesCancel(name uint64) uint64

// Cancel:
// Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
func Cancel(name string) (bool, error) {
	call := abi.Begin()
	return abi.JSONAnswer[bool](call, schedulesCancel(call.Text(name)))
}

//go:wasmimport extism:host/user schedules_upcoming
func schedulesUpcoming() uint64

// Upcoming:
// All of them, by name.
func Upcoming() ([]Planned, error) {
	call := abi.Begin()
	return abi.JSONAnswer[[]Planned](call, schedulesUpcoming())
}
