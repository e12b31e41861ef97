// Greets people, and counts how often. plugin.json names the exports below.
package main

import (
	"strconv"

	bulkhead "bulkhead.local/sdk"
	"bulkhead.local/sdk/config"
	"bulkhead.local/sdk/events"
	"bulkhead.local/sdk/log"
	"bulkhead.local/sdk/storage"
)

type person struct {
	Name string `json:"name"`
}

type greeting struct {
	Message string `json:"message"`
	Times   int    `json:"times"`
}

type greeted struct {
	Name  string `json:"name"`
	Times int    `json:"times"`
}

func messageTo(name string) (string, error) {
	word, found, err := config.Get("greeting")
	if !found {
		word = "Hello"
	}
	return word + ", " + name + "!", err
}

//go:wasmexport greet
func greet() int32 {
	return bulkhead.Service(func(guest person) (greeting, error) {
		if guest.Name == "" {
			return greeting{}, bulkhead.Refuse("invalid-input", "name is empty")
		}
		times, err := countVisit(guest.Name)
		if err != nil {
			return greeting{}, err
		}
		event, err := bulkhead.Marshal(greeted{guest.Name, times})
		if err != nil {
			return greeting{}, err
		}
		if _, err := events.Publish("my-plugin.greeted", "application/json", event); err != nil {
			return greeting{}, err
		}
		message, err := messageTo(guest.Name)
		return greeting{message, times}, err
	})
}

func countVisit(name string) (int, error) {
	text, found, err := storage.Get("times/" + name)
	if err != nil {
		return 0, err
	}
	before := 0
	if found {
		if before, err = strconv.Atoi(string(text)); err != nil {
			return 0, err
		}
	}
	return before + 1, storage.Set("times/"+name, []byte(strconv.Itoa(before+1)))
}

//go:wasmexport on_arrived
func onArrived() int32 {
	return bulkhead.OnEvent(func(_ bulkhead.Event, guest person) error {
		message, err := messageTo(guest.Name)
		if err != nil {
			return err
		}
		return log.Write(log.LevelInfo, message)
	})
}

func main() {}
