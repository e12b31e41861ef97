//go:build wasip1

// Package bulkhead is for writing Bulkhead plugins in Go: what an author's exports return. README.md is the manual.
package bulkhead

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"unicode/utf8"

	"bulkhead.local/sdk/code"
	"bulkhead.local/sdk/internal/abi"
)

// Error is what host functions fail with: errors.As finds it, code has its codes.
type Error = abi.Error

// Refuse is what a handler says no with: the caller is told refused with this reason, not-found, invalid-input, conflict, forbidden, unavailable or one of
// services.<name>.errors in the manifest. A refusal that another plugin gave is handed on as it is, also when it is wrapped.
func Refuse(reason string, format string, arguments ...any) *Error {
	return &Error{Code: code.ErrorCodeRefused, Reason: reason, Message: fmt.Sprintf(format, arguments...)}
}

// Unavailable refuses with the reason unavailable, and says when it may be there again.
func Unavailable(retryAfterMs uint32, format string, arguments ...any) *Error {
	refusal := Refuse("unavailable", format, arguments...)
	refusal.RetryAfterMs = retryAfterMs
	return refusal
}

// CodeOf is the code of a host function's failure, and plugin-failed for any other error.
func CodeOf(err error) code.ErrorCode {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Code
	}
	return code.ErrorCodePluginFailed
}

// Marshal writes JSON as the other SDKs do: unlike json.Marshal it does not escape what only HTML needs escaped.
func Marshal(value any) ([]byte, error) { return abi.Marshal(value) }

// Event is a CloudEvent. Data is its JSON, or nil when the data is other bytes; those are in DataBase64.
type Event struct {
	ID string `json:"id"`
	// /plugins/<name> of the publisher.
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Time        string          `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Data        json.RawMessage `json:"data"`
	DataBase64  []byte          `json:"data_base64"`
}

// Service runs a service that takes and answers JSON. An empty input counts as {}; input that does not fit never reaches the handler.
func Service[I, O any](handler func(I) (O, error)) int32 {
	return run(func(input []byte) ([]byte, error) {
		var request I
		if len(input) == 0 {
			input = []byte("{}")
		}
		if err := json.Unmarshal(input, &request); err != nil {
			return nil, Refuse("invalid-input", "input is not the JSON that this service expects: %v", err)
		}
		answer, err := handler(request)
		if err != nil {
			return nil, err
		}
		return abi.Marshal(answer)
	})
}

// TextService runs a service that takes and answers text.
func TextService(handler func(string) (string, error)) int32 {
	return run(func(input []byte) ([]byte, error) {
		if !utf8.Valid(input) {
			return nil, Refuse("invalid-input", "input is not valid UTF-8")
		}
		answer, err := handler(string(input))
		return []byte(answer), err
	})
}

// RawService runs a service that takes and answers bytes: the cheapest kind, nothing is parsed.
func RawService(handler func([]byte) ([]byte, error)) int32 { return run(handler) }

// OnEvent runs a handler of events whose data is the JSON of T.
func OnEvent[T any](handler func(Event, T) error) int32 {
	return OnRawEvent(func(event Event) error {
		var data T
		if err := json.Unmarshal(event.Data, &data); err != nil {
			return fmt.Errorf("the data of %s from %s is not the JSON expected: %w", event.Type, event.Source, err)
		}
		return handler(event, data)
	})
}

// OnRawEvent runs a handler of events that looks at the data itself, or not at all.
func OnRawEvent(handler func(Event) error) int32 {
	return run(func(input []byte) ([]byte, error) {
		var event Event
		if err := json.Unmarshal(input, &event); err != nil {
			return nil, fmt.Errorf("input is not an event: %w", err)
		}
		return nil, handler(event)
	})
}

// Lifecycle runs a handler of on_load, on_start, on_stop or on_unload.
func Lifecycle(handler func() error) int32 {
	return run(func([]byte) ([]byte, error) { return nil, handler() })
}

func run(handler func([]byte) ([]byte, error)) int32 {
	defer func() {
		if cause := recover(); cause != nil {
			abi.Crash(fmt.Sprintf("%v%s", cause, place()))
		}
	}()
	output, err := handler(abi.Input())
	var refusal *Error
	switch {
	case err == nil:
	case errors.As(err, &refusal) && refusal.Code == code.ErrorCodeRefused:
		abi.SetRefusal(refusal)
		return 1
	default:
		abi.SetError(err.Error())
		return 1
	}
	if len(output) > 0 {
		abi.SetOutput(output)
	}
	return 0
}

// place is the file and line that panicked: the first below the runtime's own.
func place() string {
	counters := make([]uintptr, 32)
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters)])
	for {
		frame, more := frames.Next()
		if frame.File != "" && !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf(" (%s:%d)", path.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}
