//go:build wasip1

package bulkhead

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"bulkhead.local/sdk/http"
)

// What nobody but the host can call a blob, so that no head which somebody else wrote leads to one.
const incoming = "~incoming/"

// RouteBlob is the blob that has the body, of a route with "request": "blob". It is gone after the turn, unless blobs.Rename has given it another name.
type RouteBlob struct {
	Name      string `json:"name"`
	MediaType string `json:"mediaType"`
	// In bytes.
	Size uint64 `json:"size"`
	Etag string `json:"etag"`
}

// RouteRequest is what a route with "request": "raw" or "blob" was asked, each byte of the body as it came: signatures are made of them.
type RouteRequest struct {
	Method string `json:"method"`
	// As it was asked for, with its escapes.
	Path string `json:"path"`
	// What stands behind the question mark, with its escapes; url.ParseQuery reads it.
	Query string `json:"query"`
	// Parameters of the route's path, decoded.
	Params map[string]string `json:"params"`
	// Those that the route names and a few harmless ones, their names in lower case.
	Headers []http.Header `json:"headers"`
	// Where the body is, of a route with a blob.
	Blob *RouteBlob `json:"blob"`
	Body []byte     `json:"-"`
}

// Header is the value of a header that came once, and "" where there is none. It fails for one that came more often: which of them would a signature be for?
func (r RouteRequest) Header(name string) (string, error) {
	value, found := "", false
	for _, header := range r.Headers {
		if header.Name != strings.ToLower(name) {
			continue
		}
		if found {
			return "", fmt.Errorf("the header %s is there twice", name)
		}
		value, found = header.Value, true
	}
	return value, nil
}

// RouteAnswer is a status, 200 if it is 0, headers (docs/configuration.md says which there may be) and the bytes of a body.
type RouteAnswer struct {
	Status  int
	Headers map[string]string
	Body    []byte
	// The name of a blob that is the body, without one here.
	Blob string
}

// RawRoute runs a service that a raw route leads to.
func RawRoute(handler func(RouteRequest) (RouteAnswer, error)) int32 {
	return run(func(input []byte) ([]byte, error) {
		head, body, found := bytes.Cut(input, []byte("\n"))
		if !found {
			return nil, errors.New(`the input is no raw request: the route needs "request": "raw" in plugin.json`)
		}
		var request RouteRequest
		if err := json.Unmarshal(head, &request); err != nil {
			return nil, fmt.Errorf("the input is no raw request: %w", err)
		}
		if request.Blob != nil && !strings.HasPrefix(request.Blob.Name, incoming) {
			return nil, errors.New("the input is no raw request: its blob came by no route")
		}
		request.Body = body
		answer, err := handler(request)
		if err != nil {
			return nil, err
		}
		return answer.bytes()
	})
}

func (a RouteAnswer) bytes() ([]byte, error) {
	headers := make([]http.Header, 0, len(a.Headers))
	for name, value := range a.Headers {
		headers = append(headers, http.Header{Name: name, Value: value})
	}
	if a.Status == 0 {
		a.Status = 200
	}
	answer := map[string]any{"status": a.Status, "headers": headers}
	if a.Blob != "" {
		answer["blob"] = a.Blob
	}
	head, err := Marshal(answer)
	return append(append(head, '\n'), a.Body...), err
}
