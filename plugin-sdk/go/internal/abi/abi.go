//go:build wasip1

// Package abi makes blocks and host calls (docs/abi.md). It is the one place of the SDK with pointers.
package abi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unsafe"

	"bulkhead.local/sdk/code"
)

//go:wasmimport extism:host/env alloc
func alloc(length uint64) uint64

//go:wasmimport extism:host/env length
func blockLength(block uint64) uint64

//go:wasmimport extism:host/env input_offset
func inputOffset() uint64

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env output_set
func outputSet(offset uint64, length uint64)

//go:wasmimport extism:host/env error_set
func errorSet(block uint64)

//go:wasmimport extism:host/env store_u8
func storeByte(offset uint64, value uint32)

//go:wasmimport bulkhead:host/memory load
func load(offset uint64, address unsafe.Pointer, length uint32)

//go:wasmimport bulkhead:host/memory store
func store(address unsafe.Pointer, offset uint64, length uint32)

//go:wasmimport bulkhead:host/memory release
func release(block uint64)

// Error is a refusal or failure. Branch on Code, and of code.ErrorCodeRefused on Reason; show Message to people.
type Error struct {
	Code code.ErrorCode `json:"code"`
	// What was refused, the limit, the current value, the remedy.
	Message string  `json:"message"`
	Detail  *string `json:"detail"`
	// Why a provider said no.
	Reason string `json:"reason"`
	// How long to wait before it may go, 0 where nobody knows.
	RetryAfterMs uint32 `json:"retry-after-ms"`
}

// Error gives what the plugin itself refuses as it is; what the host refused keeps its code.
func (e *Error) Error() string {
	if e.Code == code.ErrorCodePluginFailed {
		return e.Message
	}
	return string(e.Code) + ": " + e.Message
}

func copyIn(offset uint64, length uint64) []byte {
	data := make([]byte, length)
	if length > 0 {
		load(offset, unsafe.Pointer(unsafe.SliceData(data)), uint32(length))
	}
	return data
}

func copyOut(data []byte) uint64 {
	block := alloc(uint64(len(data)))
	if len(data) > 0 {
		store(unsafe.Pointer(unsafe.SliceData(data)), block, uint32(len(data)))
	}
	return block
}

// Input is what the turn was given.
func Input() []byte { return copyIn(inputOffset(), inputLength()) }

// SetOutput is the turn's answer.
func SetOutput(data []byte) { outputSet(copyOut(data), uint64(len(data))) }

// SetRefusal is what the caller is told when the plugin says no (docs/abi.md, entry points).
func SetRefusal(refusal *Error) {
	said := Must(Marshal(struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		RetryAfterMs uint32 `json:"retryAfterMs"`
	}{refusal.Reason, refusal.Message, refusal.RetryAfterMs}))
	errorSet(copyOut(append([]byte{1}, said...)))
}

// SetError is what the caller is told when the turn fails.
func SetError(message string) { errorSet(copyOut([]byte(message))) }

// Crash fails the turn with the message and ends the instance. Go has no way to trap but to let its runtime print and exit, so this is
// an access to no block, which the ABI says is a trap.
func Crash(message string) {
	SetError(message)
	storeByte(1<<63, 0)
}

// Call is one host call: its arguments become blocks, and once its answer is read all of them are given back.
type Call struct{ first uint64 }

// Begin starts a call.
func Begin() *Call { return &Call{} }

// Bytes makes the block of a list<u8>.
func (c *Call) Bytes(data []byte) uint64 {
	block := copyOut(data)
	if c.first == 0 {
		c.first = block
	}
	return block
}

// Text makes the block of a string.
func (c *Call) Text(text string) uint64 { return c.Bytes([]byte(text)) }

// OptionalBytes makes the block of an option<list<u8>>, nil for none.
func (c *Call) OptionalBytes(data []byte) uint64 {
	if data == nil {
		return c.Bytes([]byte{0})
	}
	return c.Bytes(append([]byte{1}, data...))
}

// OptionalText makes the block of an option<string>, nil for none.
func (c *Call) OptionalText(text *string) uint64 {
	if text == nil {
		return c.Bytes([]byte{0})
	}
	return c.Bytes(append([]byte{1}, *text...))
}

// List gives a list that is not nil, whose JSON is [] and not null.
func List[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// JSON makes the block of any other type.
func (c *Call) JSON(value any) uint64 { return c.Bytes(Must(Marshal(value))) }

// Marshal writes JSON without escaping what only HTML needs escaped.
func Marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, explained(value, err)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

func (c *Call) answer(block uint64) ([]byte, error) {
	data := copyIn(block, blockLength(block))
	if c.first == 0 {
		c.first = block
	}
	release(c.first)
	if data[0] == 0 {
		return data[1:], nil
	}
	failure := &Error{}
	if err := json.Unmarshal(data[1:], failure); err != nil {
		panic(fmt.Sprintf("the host's error has another shape: %v", err))
	}
	return nil, failure
}

// Nothing reads the answer of a function that gives nothing.
func (c *Call) Nothing(block uint64) error {
	_, err := c.answer(block)
	return err
}

// BytesAnswer reads a list<u8>.
func (c *Call) BytesAnswer(block uint64) ([]byte, error) { return c.answer(block) }

// TextAnswer reads a string.
func (c *Call) TextAnswer(block uint64) (string, error) {
	data, err := c.answer(block)
	return string(data), err
}

// OptionalBytesAnswer reads an option<list<u8>>.
func (c *Call) OptionalBytesAnswer(block uint64) ([]byte, bool, error) {
	data, err := c.answer(block)
	if err != nil || data[0] == 0 {
		return nil, false, err
	}
	return data[1:], true, nil
}

// OptionalTextAnswer reads an option<string>.
func (c *Call) OptionalTextAnswer(block uint64) (string, bool, error) {
	data, found, err := c.OptionalBytesAnswer(block)
	return string(data), found, err
}

// JSONAnswer reads any other type.
func JSONAnswer[T any](c *Call, block uint64) (T, error) {
	var value T
	data, err := c.answer(block)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(data, &value); err != nil {
		panic(fmt.Sprintf("the host's answer has another shape: %v", err))
	}
	return value, nil
}

// Must gives the value, and panics with an error.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
