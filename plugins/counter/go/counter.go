// Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	bulkhead "bulkhead.local/sdk"
	"bulkhead.local/sdk/clock"
	"bulkhead.local/sdk/code"
	"bulkhead.local/sdk/config"
	"bulkhead.local/sdk/events"
	"bulkhead.local/sdk/extensions"
	"bulkhead.local/sdk/log"
	"bulkhead.local/sdk/random"
	"bulkhead.local/sdk/services"
	"bulkhead.local/sdk/state"
	"bulkhead.local/sdk/storage"
)

const (
	lastLivesMS uint64 = 60_000
	surveyMS    uint32 = 2_000
)

type measured struct {
	Sensor string      `json:"sensor"`
	Value  json.Number `json:"value"`
}

type counted struct {
	Count  uint64 `json:"count"`
	Sensor string `json:"sensor"`
}

type reading struct {
	Count uint64          `json:"count"`
	Last  json.RawMessage `json:"last"`
}

type environmentAnswer struct {
	Unit      *string `json:"unit"`
	Now       bool    `json:"now"`
	Monotonic bool    `json:"monotonic"`
	Random    bool    `json:"random"`
	Caller    string  `json:"caller"`
}

// How many were counted, and the last as it is stored.
func stored() (reading, error) {
	values, err := storage.GetMany([]string{"count", "last"})
	if err != nil {
		return reading{}, err
	}
	found := reading{Last: values[1]}
	if values[0] != nil {
		found.Count, err = strconv.ParseUint(string(values[0]), 10, 64)
	}
	return found, err
}

//go:wasmexport on_load
func onLoad() int32 {
	return bulkhead.Lifecycle(func() error { return log.Write(log.LevelDebug, "counter loaded") })
}

//go:wasmexport on_measured
func onMeasured() int32 {
	return bulkhead.OnEvent(func(_ bulkhead.Event, data measured) error {
		before, err := stored()
		if err != nil {
			return err
		}
		last, err := bulkhead.Marshal(data)
		if err != nil {
			return err
		}
		now := counted{before.Count + 1, data.Sensor}
		lives := lastLivesMS
		err = storage.Apply([]storage.Change{
			{Key: "count", Value: []byte(strconv.FormatUint(now.Count, 10))},
			{Key: "last", Value: last, TtlMS: &lives},
			{Key: "stale"},
		})
		if err != nil {
			return err
		}
		told, err := bulkhead.Marshal(now)
		if err != nil {
			return err
		}
		if _, err := events.Publish("counter.counted", "application/json", told); err != nil {
			return err
		}
		greeting, err := services.Call("greeter.greet", []byte(data.Sensor), nil)
		if err != nil {
			return err
		}
		return log.Write(log.LevelInfo, "greeter said: "+string(greeting))
	})
}

//go:wasmexport read
func read() int32 {
	return bulkhead.Service(func(struct{}) (reading, error) { return stored() })
}

//go:wasmexport environment
func environment() int32 {
	return bulkhead.Service(func(struct{}) (environmentAnswer, error) {
		var answer environmentAnswer
		unit, found, err := config.Get("unit")
		if err != nil {
			return answer, err
		}
		if found {
			answer.Unit = &unit
		}
		first := clock.Monotonic()
		one, err := random.Bytes(16)
		if err != nil {
			return answer, err
		}
		other, err := random.Bytes(16)
		if err != nil {
			return answer, err
		}
		caller := services.CurrentCaller()
		answer.Now = clock.Now() > 1_600_000_000_000
		answer.Monotonic = clock.Monotonic() >= first
		answer.Random = len(one) == 16 && len(other) == 16 && !bytes.Equal(one, other)
		answer.Caller = fmt.Sprintf("%s:%s", caller.Kind, caller.Name)
		return answer, nil
	})
}

//go:wasmexport denied
func denied() int32 {
	return bulkhead.Service(func(struct{}) ([]code.ErrorCode, error) {
		_, call := services.Call("vault.open", nil, nil)
		set := state.Set("vault.key", []byte("x"))
		var refusal *bulkhead.Error
		if !errors.As(call, &refusal) || set == nil {
			return nil, errors.New("nothing was denied")
		}
		return []code.ErrorCode{bulkhead.CodeOf(call), bulkhead.CodeOf(set)}, log.Write(log.LevelWarning, refusal.Message)
	})
}

//go:wasmexport survey
func survey() int32 {
	return bulkhead.TextService(func(name string) (string, error) {
		within := surveyMS
		answers, err := extensions.Ask("lab.greeting", []byte(name), &within)
		if err != nil {
			return "", err
		}
		lines := make([]string, len(answers))
		for i, one := range answers {
			lines[i] = one.Plugin + ": " + string(one.Output)
		}
		return strings.Join(lines, "\n"), nil
	})
}

//go:wasmexport echo
func echo() int32 {
	return bulkhead.RawService(func(input []byte) ([]byte, error) { return input, nil })
}

//go:wasmexport greet
func greet() int32 {
	return bulkhead.TextService(func(name string) (string, error) { return "Grüße, " + name + " 🌍 — 你好", nil })
}

//go:wasmexport fail
func fail() int32 {
	return bulkhead.TextService(func(input string) (string, error) { return "", errors.New("failed on purpose: " + input) })
}

//go:wasmexport crash
func crash() int32 {
	return bulkhead.TextService(func(string) (string, error) { panic("crashed on purpose") })
}

func main() {}
