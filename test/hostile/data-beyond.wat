;; Its data lies beyond its memory, so it is admitted and cannot be instantiated.
(module
  (memory 1)
  (data (i32.const 131072) "x")
  (func (export "serve") (result i32) (i32.const 0)))
