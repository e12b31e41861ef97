package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strconv"

	bulkhead "bulkhead.local/sdk"
	"bulkhead.local/sdk/blobs"
	"bulkhead.local/sdk/config"
	"bulkhead.local/sdk/crypto"
	"bulkhead.local/sdk/services"
	"bulkhead.local/sdk/storage"
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

// Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other.
//
//go:wasmexport sealed
func sealed() int32 {
	return bulkhead.RawService(func(message []byte) ([]byte, error) {
		var refused *bulkhead.Error
		if _, err := crypto.Hmac(crypto.HashAlgorithmSha256, nil, message); !errors.As(err, &refused) || refused.Code != "invalid-message" {
			return nil, errors.New("an empty key is taken")
		}
		es256 := crypto.KeyAlgorithmEs256
		hash, hashErr := crypto.Digest(crypto.HashAlgorithmSha256, message)
		code, codeErr := crypto.Hmac(crypto.HashAlgorithmSha512, []byte("key"), message)
		signature, signErr := crypto.Sign("tokens", &es256, message)
		jwk, keyErr := crypto.PublicKey("tokens", nil)
		keys, keysErr := crypto.PublicKeys("tokens")
		if err := errors.Join(hashErr, codeErr, signErr, keyErr, keysErr); err != nil {
			return nil, err
		}
		if len(keys) != 1 || keys[0] != jwk {
			return nil, errors.New("there is another key")
		}
		isSigned, err := crypto.Verify(crypto.SignatureAlgorithmEs256, crypto.KeyFormatJwk, []byte(jwk), message, signature)
		same, sameErr := crypto.Equal(hash, hash)
		other, otherErr := crypto.Equal(hash, code)
		if err := errors.Join(err, sameErr, otherErr); err != nil || !isSigned || !same || other {
			return nil, errors.Join(err, errors.New("nothing is verified"))
		}
		phc, err := crypto.PasswordHash("pässword")
		right, rightErr := crypto.PasswordVerify("pässword", phc)
		wrong, wrongErr := crypto.PasswordVerify("password", phc)
		if err := errors.Join(err, rightErr, wrongErr); err != nil || !right || wrong {
			return nil, errors.Join(err, errors.New("a password is another"))
		}
		return bytes.Join([][]byte{hash, code, signature, []byte(jwk)}, nil), nil
	})
}

// Copies the blob "in" to "out" and answers the copy.
//
//go:wasmexport blob
func blob() int32 {
	return bulkhead.RawService(func([]byte) ([]byte, error) {
		source, err := blobs.NewReader("in")
		if err != nil {
			return []byte("no blob"), nil
		}
		copied, err := blobs.NewWriter("out", "text/plain", nil)
		if err != nil {
			return nil, err
		}
		defer copied.Discard()
		if _, err := io.Copy(copied, source); err != nil {
			return nil, err
		}
		if _, err := copied.Finish(); err != nil {
			return nil, err
		}
		written, err := blobs.NewReader("out")
		if err != nil {
			return nil, err
		}
		return io.ReadAll(written)
	})
}

// What it reads is changed behind its back in the first V runs.
//
//go:wasmexport transact
func transact() int32 {
	return bulkhead.Service(func(disturbed of[int]) (of[int], error) {
		runs := 0
		err := storage.Transaction(func(tx *storage.Tx) error {
			runs++
			before, found, err := tx.Get("n")
			if err != nil {
				return err
			}
			if !found {
				before = []byte("0")
			}
			if runs <= disturbed.V {
				if err := storage.Set("n", []byte(strconv.Itoa(runs))); err != nil {
					return err
				}
			}
			if again, foundAgain, _ := tx.Get("n"); found != foundAgain || found && !bytes.Equal(again, before) {
				return errors.New("what was read is not what it was")
			}
			tx.Set("n", append(before[:len(before):len(before)], 'x'))
			if own, _, _ := tx.Get("n"); !bytes.HasSuffix(own, []byte("x")) {
				return errors.New("what was set is not there")
			}
			tx.SetFor("brief", []byte("b"), 60_000)
			tx.Delete("gone")
			return nil
		})
		return of[int]{runs}, err
	})
}

//go:wasmexport refuse
func refuse() int32 {
	return bulkhead.Service(func(reason of[string]) (of[string], error) {
		if reason.V == "unavailable" {
			return reason, bulkhead.Unavailable(1500, "gone for \"%d\" é", 1)
		}
		return reason, bulkhead.Refuse(reason.V, "no \"%d\" é", 1)
	})
}

//go:wasmexport passed
func passed() int32 {
	return bulkhead.RawService(func([]byte) ([]byte, error) {
		answer, err := services.Call("vault.open", nil, nil)
		if err != nil {
			return nil, fmt.Errorf("asking: %w", err)
		}
		return answer, nil
	})
}

//go:wasmexport seen
func seen() int32 {
	return bulkhead.TextService(func(string) (string, error) {
		_, err := services.Call("vault.open", nil, nil)
		var refused *bulkhead.Error
		if !errors.As(err, &refused) {
			return "", errors.New("nothing was refused")
		}
		return fmt.Sprintf("%s %s %d", refused.Code, refused.Reason, refused.RetryAfterMs), nil
	})
}

type settings struct {
	Level float64  `json:"level"`
	Count int      `json:"count"`
	On    bool     `json:"on"`
	Name  *string  `json:"name"`
	Rooms []string `json:"rooms"`
	Extra int      `json:"extra"`
}

//go:wasmexport configured
func configured() int32 {
	return bulkhead.Service(func(struct{}) (settings, error) {
		of := settings{Extra: 7}
		err := config.Into(&of)
		return of, err
	})
}

func main() {}
