;; Never returns from on_stop, nor from on_unload.
(module
  (memory 1)
  (func (export "on_stop") (result i32) (loop (br 0)) (i32.const 0))
  (func (export "on_unload") (result i32) (loop (br 0)) (i32.const 0))
  (func (export "serve") (result i32) (i32.const 0)))
