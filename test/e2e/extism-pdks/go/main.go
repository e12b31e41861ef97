// A plugin as an author for Extism writes it: Extism's PDK from its registry and nothing of this repository.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	pdk "github.com/extism/go-pdk"
)

//go:wasmexport greet
func greet() int32 {
	name := pdk.InputString()
	if name == "" {
		pdk.SetError(errors.New("nobody to greet"))
		return 3
	}
	greeting, ok := pdk.GetConfig("greeting")
	if !ok {
		greeting = "Hello"
	}
	pdk.OutputString(greeting + ", " + name + "!")
	return 0
}

//go:wasmexport count
func count() int32 {
	times := pdk.GetVarInt("times") + 1
	pdk.SetVarInt("times", times)
	pdk.OutputString(strconv.Itoa(times))
	return 0
}

//go:wasmexport forget
func forget() int32 {
	pdk.RemoveVar("times")
	return 0
}

//go:wasmexport add
func add() int32 {
	var input struct {
		A int64 `json:"a"`
		B int64 `json:"b"`
	}
	if err := pdk.InputJSON(&input); err != nil {
		pdk.SetError(err)
		return 1
	}
	return answer(map[string]int64{"sum": input.A + input.B})
}

//go:wasmexport echo
func echo() int32 {
	pdk.Output(pdk.Input())
	return 0
}

//go:wasmexport log_all
func logAll() int32 {
	pdk.Log(pdk.LogDebug, "a debug line")
	pdk.Log(pdk.LogInfo, "an info line")
	pdk.Log(pdk.LogWarn, "a warning")
	pdk.Log(pdk.LogError, "an error")
	return 0
}

//go:wasmexport fetch
func fetch() int32 {
	request := pdk.NewHTTPRequest(pdk.MethodPut, pdk.InputString())
	request.SetHeader("x-asked", "yes").SetBody([]byte("body"))
	response := request.Send()
	pdk.OutputString(fmt.Sprintf("%d %s %s", response.Status(), response.Headers()["content-type"], response.Body()))
	return 0
}

//go:wasmexport give_up
func giveUp() int32 {
	panic("gave up")
}

//go:wasmexport look_around
func lookAround() int32 {
	fmt.Println("seen on standard output")
	fmt.Fprintln(os.Stderr, "seen on standard error")
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		pdk.SetError(err)
		return 1
	}
	before := time.Now()
	time.Sleep(5 * time.Millisecond)
	read, written := "refused", "refused"
	if _, err := os.Open("/etc/passwd"); err == nil {
		read = "read"
	}
	if err := os.WriteFile("note.txt", []byte("x"), 0o600); err == nil {
		written = "written"
	}
	return answer(map[string]any{
		"unix_seconds": time.Now().Unix(),
		"slept":        time.Since(before) >= 5*time.Millisecond,
		"random":       hex.EncodeToString(random),
		"arguments":    len(os.Args),
		"variables":    len(os.Environ()),
		"home":         os.Getenv("HOME"),
		"read":         read,
		"written":      written,
	})
}

func answer(value any) int32 {
	if err := pdk.OutputJSON(value); err != nil {
		pdk.SetError(err)
		return 1
	}
	return 0
}

func main() {}
