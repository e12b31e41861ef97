// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package events:
// Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`.
package events

import "bulkhead.local/sdk/internal/abi"

//go:wasmimport extism:host/user events_publish
func eventsPublish(eventType uint64, contentType uint64, data uint64) uint64

// Publish:
// Publishes one event and returns its id as soon as the host has accepted it; subscribers run later, each in its
// own turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no
// permission, any other needs `events.publish`. With the content type `application/json` the data must be one JSON
// text and arrives as `data`; anything else arrives base64-encoded as `data_base64`. The host stamps `id`,
// `source`, `time` and `traceparent`.
//
// Fails with invalid-message (type, JSON), permission-denied, rate-limited, quota-exceeded (size).
func Publish(eventType string, contentType string, data []byte) (string, error) {
	call := abi.Begin()
	return call.TextAnswer(eventsPublish(call.Text(eventType), call.Text(contentType), call.Bytes(data)))
}
