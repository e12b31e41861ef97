;; Never returns from on_start.
(module
  (memory 1)
  (func (export "on_start") (result i32) (loop (br 0)) (i32.const 0))
  (func (export "serve") (result i32) (i32.const 0)))
