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

// RouteRequest is what a route with "request": "raw" was asked, each byte of the body as it came: signatures are made of them.
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
	Body    []byte        `json:"-"`
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
	head, err := Marshal(map[string]any{"status": a.Status, "headers": headers})
	return append(append(head, '\n'), a.Body...), err
}
