;; Vector instructions with each kind of immediate.
(module
  (memory 1)
  (data (i32.const 0) "0123456789abcdefghijklmnopqrstuvwxyz")
  (func (export "dot") (param i32) (result i32) (local v128 i32)
    (loop
      (local.set 1 (i32x4.add (local.get 1) (i32x4.dot_i16x8_s (v128.load (local.get 2)) (i16x8.splat (local.get 0)))))
      (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 16))) (i32.const 512))))
    (i32.add (i32x4.extract_lane 0 (local.get 1)) (i32x4.extract_lane 3 (local.get 1))))
  (func (export "shuffle") (param i32) (result i64)
    (i64x2.extract_lane 1 (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31
      (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16) (i8x16.splat (local.get 0)))))
  (func (export "lanes") (param i32) (result i32)
    (v128.store32_lane 2 (i32.const 600) (v128.load32_lane offset=4 1 (i32.const 0) (v128.const i64x2 0 0)))
    (v128.store offset=16 (i32.const 600) (v128.load64_zero (i32.const 3)))
    (i32.add (i8x16.extract_lane_u 5 (i16x8.replace_lane 2 (v128.load8_splat (i32.const 9)) (local.get 0)))
      (i32.load (i32.const 616))))
  (func (export "floats") (param f64) (result f64)
    (f64x2.extract_lane 0 (f64x2.sqrt (f64x2.max (f64x2.splat (local.get 0)) (v128.const f64x2 2 3)))))
  (func (export "select") (param i32) (result i32)
    (i8x16.bitmask (v128.bitselect (i8x16.splat (local.get 0)) (i8x16.splat (i32.const 0x80))
      (i8x16.gt_s (v128.load (i32.const 0)) (i8x16.splat (i32.const 0x35)))))))
