//go:build wasip1

package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Into reads a key into each exported field of the struct that target points to, by the field's type; its json tag names the key, as for encoding/json. What was not
// configured, and has no default in the manifest, leaves the field as it is.
//
// It fails with the key for a value of another type, and as Get does.
func Into(target any) error {
	pointer := reflect.ValueOf(target)
	if pointer.Kind() != reflect.Pointer || pointer.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("config.Into takes a pointer to a struct, not %T", target)
	}
	fields := pointer.Elem()
	for i := range fields.NumField() {
		key := keyOf(fields.Type().Field(i))
		if key == "" {
			continue
		}
		text, found, err := Get(key)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := set(fields.Field(i), text); err != nil {
			return fmt.Errorf("config.%s does not fit: %w", key, err)
		}
	}
	return nil
}

// keyOf is empty for a field that no key is read into.
func keyOf(field reflect.StructField) string {
	tag := field.Tag.Get("json")
	name, _, _ := strings.Cut(tag, ",")
	switch {
	case !field.IsExported() || tag == "-":
		return ""
	case name == "":
		return field.Name
	}
	return name
}

// A text that is the JSON of something else is that where both fit.
func set(field reflect.Value, text string) error {
	quoted, err := json.Marshal(text)
	if err != nil {
		return err
	}
	isJSON := json.Valid([]byte(text)) && !strings.HasPrefix(strings.TrimSpace(text), `"`)
	if field.Kind() == reflect.String || !isJSON {
		return replace(field, quoted)
	}
	wrong := replace(field, []byte(text))
	if wrong != nil && replace(field, quoted) == nil {
		return nil
	}
	return wrong
}

// replace leaves the field as it is when it fails.
func replace(field reflect.Value, text []byte) error {
	made := reflect.New(field.Type())
	if err := json.Unmarshal(text, made.Interface()); err != nil {
		return err
	}
	field.Set(made.Elem())
	return nil
}
