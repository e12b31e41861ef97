;; Constant expressions that compute.
(module
  (global $a i32 (i32.mul (i32.const 3) (i32.add (i32.const 4) (i32.const 5))))
  (global $b (mut i64) (i64.sub (i64.const 4) (i64.const 9)))
  (memory 1)
  (data (i32.add (i32.const 10) (i32.const 2)) "xyz")
  (func (export "sum") (param i32) (result i64)
    (global.set $b (i64.add (global.get $b) (i64.extend_i32_s (local.get 0))))
    (i64.add (global.get $b) (i64.extend_i32_u (i32.add (global.get $a) (i32.load8_u (i32.const 13)))))))
