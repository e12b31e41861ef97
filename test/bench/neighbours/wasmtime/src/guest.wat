;; One module for all guests. Input is at 0 and output behind it, at 1024.
(module
  (import "host" "ask" (func $ask (result i32)))
  (memory (export "memory") 1)

  (func (export "echo") (param $length i32)
    (memory.copy (i32.const 1024) (i32.const 0) (local.get $length)))

  (func (export "loops")
    (loop $again (br $again)))

  ;; Every page is written to, and memory that is refused is a trap, as in a language whose allocator aborts.
  (func (export "memory_flood") (local $page i32)
    (loop $again
      (local.set $page (memory.grow (i32.const 1)))
      (if (i32.eq (local.get $page) (i32.const -1)) (then unreachable))
      (memory.fill (i32.shl (local.get $page) (i32.const 16)) (i32.const 1) (i32.const 65536))
      (br $again)))

  (func (export "host_calls")
    (loop $again (drop (call $ask)) (br $again))))
