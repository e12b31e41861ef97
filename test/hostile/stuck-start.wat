;; Never returns from its start function.
(module
  (memory 1)
  (func $spin (loop (br 0))) (start $spin)
  (func (export "serve") (result i32) (i32.const 0)))
