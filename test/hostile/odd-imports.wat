(module (import "env" "constructor" (func)) (import "extism:host/user" "__proto__" (func)) (import "__proto__" "toString" (func)))
