//go:build wasip1

package abi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// explained names the path of a number that JSON cannot say; encoding/json tells the number only.
func explained(value any, err error) error {
	var unsupported *json.UnsupportedValueError
	if !errors.As(err, &unsupported) {
		return err
	}
	path, number, found := unfit(reflect.ValueOf(value), nil)
	if !found {
		return err
	}
	where := strings.Join(path, ".")
	if where == "" {
		where = "the value"
	}
	return fmt.Errorf("%s is %v, which JSON has no form for", where, number)
}

func unfit(value reflect.Value, path []string) ([]string, float64, bool) {
	within := func(name string, item reflect.Value) ([]string, float64, bool) {
		return unfit(item, append(path[:len(path):len(path)], name))
	}
	switch value.Kind() {
	case reflect.Float32, reflect.Float64:
		number := value.Float()
		return path, number, math.IsNaN(number) || math.IsInf(number, 0)
	case reflect.Interface, reflect.Pointer:
		return unfit(value.Elem(), path)
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			if where, number, found := within(fmt.Sprint(i), value.Index(i)); found {
				return where, number, true
			}
		}
	case reflect.Map:
		for entries := value.MapRange(); entries.Next(); {
			if where, number, found := within(fmt.Sprint(entries.Key()), entries.Value()); found {
				return where, number, true
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if where, number, found := unfitField(value, i, within); found {
				return where, number, true
			}
		}
	}
	return nil, 0, false
}

func unfitField(value reflect.Value, i int, within func(string, reflect.Value) ([]string, float64, bool)) ([]string, float64, bool) {
	field := value.Type().Field(i)
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "-" || !field.IsExported() {
		return nil, 0, false
	}
	if name == "" {
		name = field.Name
	}
	return within(name, value.Field(i))
}
