;; Structs, arrays, casts, recursive types, i31, and arrays in constant expressions.
(module
  (rec
    (type $list (sub (struct (field $head i32) (field $tail (ref null $list)))))
    (type $marked (sub final $list (struct (field $head i32) (field $tail (ref null $list)) (field $mark (mut i8))))))
  (type $bytes (array (mut i8)))
  (type $numbers (array (mut i32)))
  (type $refs (array (mut anyref)))
  (data $letters "abcdefghij")
  (global $constant (ref $numbers) (array.new_fixed $numbers 3 (i32.const 4) (i32.const 5) (i32.const 6)))
  (global $zeros (ref $bytes) (array.new_default $bytes (i32.const 12)))
  (func (export "list") (param i32) (result i32) (local $l (ref null $list)) (local i32)
    (local.set 0 (i32.and (local.get 0) (i32.const 63)))
    (loop $build
      (local.set $l (if (result (ref $list)) (i32.and (local.get 0) (i32.const 1))
        (then (struct.new $list (local.get 0) (local.get $l)))
        (else (struct.new $marked (local.get 0) (local.get $l) (i32.const 200)))))
      (br_if $build (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
    (block $done
      (loop $sum
        (br_if $done (ref.is_null (local.get $l)))
        (local.set 2 (i32.add (local.get 2) (struct.get $list $head (local.get $l))))
        (drop (block $plain (result (ref null $list))
          (local.set 2 (i32.add (local.get 2) (struct.get_u $marked $mark
            (br_on_cast_fail $plain (ref null $list) (ref $marked) (local.get $l)))))
          (ref.null $list)))
        (local.set $l (struct.get $list $tail (local.get $l)))
        (br $sum)))
    (local.get 2))
  (func (export "array") (param i32) (result i32) (local $a (ref null $bytes)) (local $i i32) (local $sum i32)
    (local.set $a (array.new $bytes (local.get 0) (i32.const 40)))
    (array.fill $bytes (local.get $a) (i32.const 3) (i32.const 9) (i32.const 5))
    (array.copy $bytes $bytes (local.get $a) (i32.const 20) (local.get $a) (i32.const 0) (i32.const 10))
    (array.init_data $bytes $letters (local.get $a) (i32.const 30) (i32.const 2) (i32.const 4))
    (loop $l
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (array.get_s $bytes (local.get $a) (local.get $i))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (array.len (local.get $a)))))
    (i32.add (local.get $sum) (array.get $numbers (global.get $constant) (i32.const 2))))
  (func (export "negativeLength") (result i32) (array.len (array.new_default $bytes (i32.const -1))))
  (func (export "i31") (param i32) (result i32) (local anyref)
    (local.set 1 (if (result anyref) (local.get 0) (then (ref.i31 (local.get 0))) (else (ref.null any))))
    (block $null
      (return (i31.get_s (ref.cast (ref i31) (br_on_null $null (local.get 1))))))
    (i32.const -99))
  (func (export "test") (param i32) (result i32) (local (ref $refs))
    (local.set 1 (array.new_fixed $refs 2 (ref.i31 (local.get 0)) (struct.new_default $list)))
    (i32.add (ref.test (ref $list) (array.get $refs (local.get 1) (i32.const 1)))
      (ref.test (ref i31) (array.get $refs (local.get 1) (i32.and (local.get 0) (i32.const 1))))))
  (func (export "equal") (param i32) (result i32)
    (ref.eq (ref.i31 (local.get 0)) (ref.i31 (i32.const 7))))
  ;; A local without a default in a function whose fuel is cached.
  (func (export "initialised") (param i32) (result i32) (local $l (ref $list)) (local i32) (local $i i32)
    (local.set $l (struct.new $list (local.get 0) (ref.null $list)))
    (loop $i
      (local.set 2 (i32.add (local.get 2) (struct.get $list $head (local.get $l))))
      (local.set $l (struct.new $list (local.get 2) (local.get $l)))
      (br_if $i (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
    (struct.get $list $head (local.get $l)))
  ;; Branches out of a loop that the meter splits, so that their labels shift.
  (func (export "search") (param i32) (result i32) (local $l (ref null $list)) (local $i i32)
    (local.set $l (struct.new $marked (i32.const 5) (ref.null $list) (i32.const 9)))
    (loop $build
      (local.set $l (struct.new $list (local.get $i) (local.get $l)))
      (br_if $build (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.and (local.get 0) (i32.const 7)))))
    (struct.get_u $marked $mark
      (block $found (result (ref $marked))
        (block $end
          (loop $next
            (br_if $end (i32.eq (struct.get $list $head (br_on_null $end (local.get $l))) (i32.const 6)))
            (drop (br_on_cast $found (ref null $list) (ref $marked) (local.get $l)))
            (local.set $l (struct.get $list $tail (local.get $l)))
            (br $next)))
        (return (i32.const -1)))))
  (func (export "searchNot") (param i32) (result i32) (local $l (ref null $list)) (local $i i32)
    (local.set $l (struct.new $list (i32.const 5) (ref.null $list)))
    (loop $build
      (local.set $l (struct.new $marked (local.get $i) (local.get $l) (i32.const 3)))
      (br_if $build (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.and (local.get 0) (i32.const 7)))))
    (local.set $i (i32.const 0))
    (drop (block $other (result (ref null $list))
      (loop $next
        (local.set $i (i32.add (local.get $i) (struct.get_u $marked $mark
          (br_on_cast_fail $other (ref null $list) (ref $marked) (local.get $l)))))
        (local.set $l (struct.get $list $tail (local.get $l)))
        (br $next))
      (unreachable)))
    (local.get $i)))
