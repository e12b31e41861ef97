// Puts a module's folder into a zip as a proxy serves it; Go's own package for that is no part of its standard library.
package main

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	from, prefix, to := os.Args[1], os.Args[2], os.Args[3]
	file, _ := os.Create(to)
	archive := zip.NewWriter(file)
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(from, path)
		part, err := archive.Create(prefix + filepath.ToSlash(name))
		if err == nil {
			_, err = part.Write(text)
		}
		return err
	})
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		panic(err)
	}
}
