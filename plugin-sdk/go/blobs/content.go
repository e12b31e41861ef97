//go:build wasip1

package blobs

import (
	"fmt"
	"io"

	"bulkhead.local/sdk/code"
	"bulkhead.local/sdk/internal/abi"
)

const pieceBytes = 65_536

// Writer writes a blob in pieces of 64 KiB. It appears with Finish, in place of one that has the name.
type Writer struct {
	writer uint32
	piece  []byte
}

// NewWriter begins a blob. It fails as Create does.
func NewWriter(name string, mediaType string, metadata []Property) (*Writer, error) {
	writer, err := Create(name, mediaType, metadata)
	return &Writer{writer, make([]byte, 0, pieceBytes)}, err
}

// Write takes all of the bytes, or fails as Append does.
func (w *Writer) Write(bytes []byte) (int, error) {
	for rest := bytes; len(rest) > 0; {
		taken := min(len(rest), pieceBytes-len(w.piece))
		w.piece = append(w.piece, rest[:taken]...)
		rest = rest[taken:]
		if len(w.piece) < pieceBytes {
			break
		}
		if err := w.send(); err != nil {
			return len(bytes) - len(rest) - taken, err
		}
	}
	return len(bytes), nil
}

// Finish makes the blob visible and durable. It fails as Append and Finish do.
func (w *Writer) Finish() (Blob, error) {
	if err := w.send(); err != nil {
		return Blob{}, err
	}
	return Finish(w.writer)
}

// Discard drops what was written; after Finish it does nothing, so it can be deferred.
func (w *Writer) Discard() { _, _ = Discard(w.writer) }

func (w *Writer) send() error {
	if len(w.piece) == 0 {
		return nil
	}
	err := Append(w.writer, w.piece)
	w.piece = w.piece[:0]
	return err
}

// Reader reads a blob in pieces of 64 KiB; one that is replaced or removed meanwhile fails with conflict.
type Reader struct {
	// What is known of the blob.
	Blob  Blob
	at    uint64
	piece []byte
}

// NewReader opens a blob. It fails with invalid-message when there is none of the name.
func NewReader(name string) (*Reader, error) {
	found, err := Stat(name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, &abi.Error{Code: code.ErrorCodeInvalidMessage, Message: fmt.Sprintf("there is no blob %q", name)}
	}
	return &Reader{Blob: *found}, nil
}

// Read reads what is next.
func (r *Reader) Read(into []byte) (int, error) {
	if len(r.piece) == 0 {
		if r.at == r.Blob.Size {
			return 0, io.EOF
		}
		piece, err := Read(r.Blob.Name, r.at, pieceBytes, &r.Blob.Etag)
		if err != nil {
			return 0, err
		}
		r.piece = piece
		r.at += uint64(len(piece))
	}
	taken := copy(into, r.piece)
	r.piece = r.piece[taken:]
	return taken, nil
}
