package main

import (
	"fmt"
	"math/rand"
	"strconv"

	bulkhead "bulkhead.local/sdk"
)

type of[T any] struct {
	V T `json:"v"`
}

func same[T any](value T) (T, error) { return value, nil }

type unfitX struct {
	X float64 `json:"x"`
}

type unfitAnswer struct {
	A    int      `json:"a"`
	List []unfitX `json:"list"`
}

//go:wasmexport any
func anyValue() int32 { return bulkhead.Service(same[any]) }

//go:wasmexport floats
func floats() int32 { return bulkhead.Service(same[of[float64]]) }

//go:wasmexport signed
func signed() int32 { return bulkhead.Service(same[of[int64]]) }

//go:wasmexport unsigned
func unsigned() int32 { return bulkhead.Service(same[of[uint64]]) }

//go:wasmexport text
func text() int32 { return bulkhead.Service(same[of[string]]) }

//go:wasmexport unfit
func unfit() int32 {
	return bulkhead.RawService(func(input []byte) ([]byte, error) {
		number, err := strconv.ParseFloat(string(input), 64)
		if err != nil {
			return nil, err
		}
		return bulkhead.Marshal(unfitAnswer{1, []unfitX{{0}, {number}}})
	})
}

//go:wasmexport random
func random() int32 {
	return bulkhead.Service(func(struct{}) ([]float64, error) {
		return []float64{rand.Float64(), rand.Float64(), rand.Float64(), rand.Float64()}, nil
	})
}

//go:wasmexport route
func route() int32 {
	return bulkhead.RawRoute(func(request bulkhead.RouteRequest) (bulkhead.RouteAnswer, error) {
		test, err := request.Header("X-Test")
		if test == "" {
			test = "none"
		}
		etag := fmt.Sprintf("%s %s %s %s", request.Method, request.Params["id"], request.Query, test)
		return bulkhead.RouteAnswer{Status: 201, Headers: map[string]string{"etag": etag}, Body: request.Body}, err
	})
}

func main() {}
