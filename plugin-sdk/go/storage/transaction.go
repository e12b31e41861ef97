//go:build wasip1

package storage

import (
	"fmt"

	"bulkhead.local/sdk/code"
	"bulkhead.local/sdk/internal/abi"
)

const maxRuns = 10

// Tx is what Transaction gives to its function. Nothing of it is in the storage before the function has returned.
type Tx struct {
	read    map[string]*Versioned
	changes map[string]Change
}

// Get is what this transaction has set, else the value in the storage, each time the same.
func (tx *Tx) Get(key string) (value []byte, found bool, err error) {
	if change, changed := tx.changes[key]; changed {
		return change.Value, change.Value != nil, nil
	}
	seen, wasRead := tx.read[key]
	if !wasRead {
		if seen, err = GetVersioned(key); err != nil {
			return nil, false, err
		}
		tx.read[key] = seen
	}
	if seen == nil {
		return nil, false, nil
	}
	return seen.Value, true, nil
}

// Set sets a value.
func (tx *Tx) Set(key string, value []byte) {
	tx.changes[key] = Change{Key: key, Value: append([]byte{}, value...)}
}

// SetFor sets a value that ends ttlMS milliseconds later.
func (tx *Tx) SetFor(key string, value []byte, ttlMS uint64) {
	tx.changes[key] = Change{Key: key, Value: append([]byte{}, value...), TtlMS: &ttlMS}
}

// Delete removes a value.
func (tx *Tx) Delete(key string) { tx.changes[key] = Change{Key: key} }

func (tx *Tx) commit() (bool, error) {
	checks := make([]Check, 0, len(tx.read))
	for key, seen := range tx.read {
		check := Check{Key: key}
		if seen != nil {
			check.Version = seen.Version
		}
		checks = append(checks, check)
	}
	changes := make([]Change, 0, len(tx.changes))
	for _, change := range tx.changes {
		changes = append(changes, change)
	}
	outcome, err := Commit(checks, changes)
	return outcome.Committed, err
}

// Transaction runs a function and commits what it set and deleted, all or nothing, provided that no key it read has changed since; else the function runs again, so it
// may run several times and should do nothing else. An error of it ends the transaction, and nothing is committed. Scan and Keys are not part of it.
//
// Fails with conflict after 10 runs, and with what Commit fails with.
func Transaction(run func(tx *Tx) error) error {
	for range maxRuns {
		tx := &Tx{map[string]*Versioned{}, map[string]Change{}}
		if err := run(tx); err != nil {
			return err
		}
		if committed, err := tx.commit(); committed || err != nil {
			return err
		}
	}
	message := fmt.Sprintf("what the transaction read was changed in each of %d runs; read fewer keys, or try again later", maxRuns)
	return &abi.Error{Code: code.ErrorCodeConflict, Message: message}
}
