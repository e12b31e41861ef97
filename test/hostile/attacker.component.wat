;; The core module of the hostile component, of the world in wit/. Each entry point, known by its first letter, is one attack on what stands between a component and
;; the host: the glue that lifts and lowers values. host/cli/selftest/components.ts says what must stop it. `npm run build:hostile` makes the component of it.

(module
  (import "bulkhead:plugin/storage@0.2.0" "get-many" (func $getMany (param i32 i32 i32)))
  (import "bulkhead:plugin/storage@0.2.0" "apply" (func $apply (param i32 i32 i32)))
  (import "bulkhead:plugin/services@0.2.0" "call" (func $call (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "polite.who")
  (data (i32.const 80) "heldmore")
  (global $top (mut i32) (i32.const 4096))
  ;; Where the name of the entry point lies, once it has been passed.
  (global $passed (mut i32) (i32.const 0))
  (global $spins (mut i32) (i32.const 0))

  (func $result (param $tag i32) (param $at i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 16) (local.get $tag))
    (i32.store (i32.const 20) (local.get $at))
    (i32.store (i32.const 24) (local.get $length))
    (i32.const 16))
  (func $ok (param i32 i32) (result i32) (call $result (i32.const 0) (local.get 0) (local.get 1)))
  (func $spin (loop $again (br $again)))
  (func $down (param i32) (result i32)
    (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $is (param $name i32) (param $letter i32) (result i32) (i32.eq (i32.load8_u (local.get $name)) (local.get $letter)))

  ;; Passing the input to "allocator" takes for ever: the name has been passed before it.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32)
    (if (global.get $passed)
      (then (if (call $is (global.get $passed) (i32.const 97)) (then (call $spin)))))
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (i32.eqz (global.get $passed)) (then (global.set $passed (local.get $at))))
    (local.get $at))

  (func (export "bulkhead:plugin/entry-points@0.2.0#handle")
    (param $name i32) (param $nameLength i32) (param $input i32) (param $inputLength i32) (result i32) (local $i i32)
    ;; loop
    (if (call $is (local.get $name) (i32.const 108)) (then (call $spin)))
    ;; recursion
    (if (call $is (local.get $name) (i32.const 114)) (then (return (call $down (i32.const 0)))))
    ;; trap
    (if (call $is (local.get $name) (i32.const 116)) (then unreachable))
    ;; grow: whether it got more than 64 pages
    (if (call $is (local.get $name) (i32.const 103))
      (then
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (return (call $ok (select (i32.const 84) (i32.const 80) (i32.gt_u (memory.size) (i32.const 64))) (i32.const 4)))))
    ;; beyond: an answer that ends beyond the memory
    (if (call $is (local.get $name) (i32.const 98)) (then (return (call $ok (i32.const 65536) (i32.const 0x7fffffff)))))
    ;; wild: a result beyond the memory
    (if (call $is (local.get $name) (i32.const 119)) (then (return (i32.const 0x7ffffff0))))
    ;; forged: a result that is neither ok nor an error
    (if (call $is (local.get $name) (i32.const 102)) (then (return (call $result (i32.const 7) (i32.const 0) (i32.const 0)))))
    ;; huge: an answer of 3 MiB
    (if (call $is (local.get $name) (i32.const 104))
      (then
        (drop (memory.grow (i32.const 60)))
        (return (call $ok (i32.const 0) (i32.const 0x300000)))))
    ;; keys: 100,000 times the same text of 50,000 bytes in one list
    (if (call $is (local.get $name) (i32.const 107))
      (then
        (drop (memory.grow (i32.const 60)))
        (loop $more
          (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $i) (i32.const 3))) (i32.const 0))
          (i32.store (i32.add (i32.const 131076) (i32.shl (local.get $i) (i32.const 3))) (i32.const 50000))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $i) (i32.const 100000))))
        (call $getMany (i32.const 131072) (i32.const 100000) (i32.const 128))))
    ;; many: a list of records that is larger than the memory
    (if (call $is (local.get $name) (i32.const 109)) (then (call $apply (i32.const 0) (i32.const 0x0fffffff) (i32.const 128))))
    ;; denied: the message of a refusal
    (if (call $is (local.get $name) (i32.const 100))
      (then
        (call $call (i32.const 64) (i32.const 10) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128))
        (return (call $ok (i32.load (i32.const 136)) (i32.load (i32.const 140))))))
    ;; post-return: releasing the answer takes for ever
    (if (call $is (local.get $name) (i32.const 112)) (then (global.set $spins (i32.const 1))))
    (call $ok (i32.const 0) (i32.const 0)))

  (func (export "cabi_post_bulkhead:plugin/entry-points@0.2.0#handle") (param i32)
    (if (global.get $spins) (then (call $spin)))
    (global.set $top (i32.const 4096))
    (global.set $passed (i32.const 0))))
