// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package services:
// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.
package services

import "bulkhead.local/sdk/internal/abi"

type CallerKind string

const (
	// Another plugin; `name` is its name.
	CallerKindPlugin CallerKind = "plugin"
	// A request from outside through an adapter; `name` is the adapter's, such as `http`.
	CallerKindAdapter CallerKind = "adapter"
	// The host itself, for lifecycle entry points and events.
	CallerKindHost CallerKind = "host"
)

type Caller struct {
	Kind CallerKind `json:"kind"`
	Name string     `json:"name"`
}

//go:wasmimport extism:host/user services_call
func servicesCall(service uint64, payload uint64, deadlineMs uint64) uint64

// Call:
// Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
// The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.
//
// Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
// turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
// `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
// quota-exceeded (size); and where the provider is on another host, host-unreachable (nothing was done) and host-lost
// (nobody knows).
func Call(service string, payload []byte, deadlineMs *uint32) ([]byte, error) {
	call := abi.Begin()
	return call.BytesAnswer(servicesCall(call.Text(service), call.Bytes(payload), call.JSON(deadlineMs)))
}

type SendOptions struct {
	// It is on the disk when this returns, and stays there until the provider has handled it: also one that is stopped,
	// updated or away gets it, at least once, in the order in which this plugin sent to the service. Needs the permission
	// `services.durable` on the service as well.
	Durable bool `json:"durable"`
	// 1 to 128 printable ASCII characters without spaces; none lets the host make one. A durable message to the same
	// service whose id is known is not taken again.
	ID *string `json:"id"`
}

//go:wasmimport extism:host/user services_send
func servicesSend(service uint64, payload uint64, options uint64) uint64

// Send:
// Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
// for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
// durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
// other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
// delivered. Sends count as events for `limits.publishesPerSecond`.
//
// Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
// queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
// quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
func Send(service string, payload []byte, options SendOptions) (string, error) {
	call := abi.Begin()
	return call.TextAnswer(servicesSend(call.Text(service), call.Bytes(payload), call.JSON(options)))
}

//go:wasmimport extism:host/user services_current_caller
func servicesCurrentCaller() uint64

// CurrentCaller:
// Who asked for the current turn. Stamped by the host; nobody can forge it.
func CurrentCaller() Caller {
	call := abi.Begin()
	return abi.Must(abi.JSONAnswer[Caller](call, servicesCurrentCaller()))
}

//go:wasmimport extism:host/user services_current_principal
func servicesCurrentPrincipal() uint64

// CurrentPrincipal:
// Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
// `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
func CurrentPrincipal() *string {
	call := abi.Begin()
	return abi.Must(abi.JSONAnswer[*string](call, servicesCurrentPrincipal()))
}
