;; The neighbour that must never notice: answers with its input, and says who called.
(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "services_current_caller" (func $caller (result i64)))
  (memory 1)
  (func (export "echo") (result i32) (call $output (call $input) (call $input_length)) (i32.const 0))
  (func (export "who") (result i32) (local $answer i64)
    (local.set $answer (call $caller)) (call $output (local.get $answer) (call $length (local.get $answer))) (i32.const 0)))
