;; Relaxed vector instructions, on inputs for which every implementation answers the same.
(module
  (func (export "madd") (param f32) (result f32)
    (f32x4.extract_lane 2 (f32x4.relaxed_madd (f32x4.splat (local.get 0)) (f32x4.splat (f32.const 2)) (f32x4.splat (f32.const 1)))))
  (func (export "swizzle") (param i32) (result i32)
    (i8x16.extract_lane_u 3 (i8x16.relaxed_swizzle (i8x16.splat (local.get 0)) (i8x16.splat (i32.const 2)))))
  (func (export "dot") (param i32) (result i32)
    (i32x4.extract_lane 0 (i32x4.relaxed_dot_i8x16_i7x16_add_s (i8x16.splat (i32.const 3)) (i8x16.splat (i32.const 5))
      (i32x4.splat (local.get 0))))))
