// Writes vectors.json: roots, proofs, tiles and a signed checkpoint as the libraries of Go's checksum database compute them. Run it here with
// `go run . > vectors.json`.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	name   = "log.example/plugins"
	height = 8
)

type proof struct {
	Of     int64  `json:"of"`
	Count  int    `json:"count"`
	Sha256 string `json:"sha256"`
}

type tree struct {
	Size         int64             `json:"size"`
	Root         string            `json:"root"`
	Inclusions   []proof           `json:"inclusions"`
	Consistences []proof           `json:"consistencies"`
	Tiles        map[string]string `json:"tiles"`
}

type vectors struct {
	Seed       string `json:"seed"`
	Vkey       string `json:"vkey"`
	Checkpoint string `json:"checkpoint"`
	Trees      []tree `json:"trees"`
}

type store []tlog.Hash

func (s store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		found = append(found, s[index])
	}
	return found, nil
}

func check[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func digest(hashes []tlog.Hash) string {
	sum := sha256.New()
	for _, hash := range hashes {
		sum.Write(hash[:])
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

func main() {
	sizes := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 255, 256, 257, 511, 512, 700, 65535, 65536, 65793}
	var hashes store
	out := vectors{}
	count := int64(0)
	for _, size := range sizes {
		for ; count < size; count++ {
			hashes = append(hashes, check(tlog.StoredHashes(count, []byte(fmt.Sprintf("entry %d", count)), hashes))...)
		}
		root := check(tlog.TreeHash(size, hashes))
		made := tree{Size: size, Root: fmt.Sprintf("%x", root[:]), Tiles: map[string]string{}}
		for _, index := range []int64{0, size / 3, size / 2, size - 1} {
			found := check(tlog.ProveRecord(size, index, hashes))
			made.Inclusions = append(made.Inclusions, proof{index, len(found), digest(found)})
		}
		for _, older := range []int64{1, size / 2, size - 1} {
			if older < 1 || older >= size {
				continue
			}
			found := check(tlog.ProveTree(size, older, hashes))
			made.Consistences = append(made.Consistences, proof{older, len(found), digest(found)})
		}
		tiles := tlog.NewTiles(height, 0, size)
		for i, tile := range tiles {
			// Of many, the edges are enough.
			if i > 2 && i < len(tiles)-4 {
				continue
			}
			data := check(tlog.ReadTileData(tile, hashes))
			made.Tiles[strings.Replace(tile.Path(), "tile/8/", "tile/", 1)] = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		out.Trees = append(out.Trees, made)
		if size == 700 {
			seed := sha256.Sum256([]byte("a key for tests"))
			private := ed25519.NewKeyFromSeed(seed[:])
			out.Seed = fmt.Sprintf("%x", seed)
			out.Vkey = check(note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey)))
			id := strings.Split(out.Vkey, "+")[1]
			skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, id, base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
			text := fmt.Sprintf("%s\n%d\n%s\n", name, size, base64.StdEncoding.EncodeToString(root[:]))
			out.Checkpoint = string(check(note.Sign(&note.Note{Text: text}, check(note.NewSigner(skey)))))
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}
