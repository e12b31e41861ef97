// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

//go:build wasip1

// Package http:
// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.
package http

import "bulkhead.local/sdk/internal/abi"

type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type Request struct {
	// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
	Method string `json:"method"`
	// With the scheme https or http, without user and password.
	URL string `json:"url"`
	// `{{secret:NAME}}` in a value is replaced by the host, towards the hosts that the operator named for that secret; it
	// needs `secrets.read` on the name. Host, length and connection headers are the host's own.
	Headers []Header `json:"headers"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Request) MarshalJSON() ([]byte, error) {
	type plain Request
	whole := plain(value)
	whole.Headers = abi.List(whole.Headers)
	return abi.Marshal(whole)
}

type Response struct {
	Status  uint16   `json:"status"`
	Headers []Header `json:"headers"`
	// As it came: nothing is decompressed. In JSON it is base64 text.
	Body []byte `json:"body"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Response) MarshalJSON() ([]byte, error) {
	type plain Response
	whole := plain(value)
	whole.Headers = abi.List(whole.Headers)
	whole.Body = abi.List(whole.Body)
	return abi.Marshal(whole)
}

//go:wasmimport extism:host/user http_fetch
func httpFetch(request uint64, body uint64) uint64

// Fetch:
// Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
// Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.
//
// Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
// deadline-exceeded, http-failed (the server could not be reached or broke off).
func Fetch(request Request, body []byte) (Response, error) {
	call := abi.Begin()
	return abi.JSONAnswer[Response](call, httpFetch(call.JSON(request), call.Bytes(body)))
}

type FetchOptions struct {
	// How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
	// lengthens.
	TimeoutMS *uint32 `json:"timeout-ms"`
	// The name of a blob of the plugin's that is sent as the body; `body` must be empty then.
	BodyFrom *string `json:"body-from"`
	// The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
	// appears whole, or not at all.
	AnswerInto *string `json:"answer-into"`
}

type Fetched struct {
	Status  uint16   `json:"status"`
	Headers []Header `json:"headers"`
	// As it came; empty when it went into a blob. In JSON it is base64 text.
	Body []byte `json:"body"`
	// How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is.
	Stored *uint64 `json:"stored"`
}

// MarshalJSON writes a nil slice as the empty list that it is.
func (value Fetched) MarshalJSON() ([]byte, error) {
	type plain Fetched
	whole := plain(value)
	whole.Headers = abi.List(whole.Headers)
	whole.Body = abi.List(whole.Body)
	return abi.Marshal(whole)
}

//go:wasmimport extism:host/user http_fetch_with
func httpFetchWith(request uint64, body uint64, options uint64) uint64

// FetchWith:
// Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
// the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
//
// Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
// was replaced or removed meanwhile), storage-failed.
func FetchWith(request Request, body []byte, options FetchOptions) (Fetched, error) {
	call := abi.Begin()
	return abi.JSONAnswer[Fetched](call, httpFetchWith(call.JSON(request), call.Bytes(body), call.JSON(options)))
}
