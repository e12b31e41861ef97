;; A hostile component of another host, which is entered by its own exports. Each of them is one attack on what the host keeps for components beside their memories.
;; host/cli/selftest/components.ts says what must stop it. `npm run build:hostile` makes the component of it.

(component
  (core module $grower
    (table 1 funcref)
    ;; Grows as long as it can and answers its size.
    (func (export "grow") (result i32)
      (loop $more (br_if $more (i32.ne (table.grow (ref.null func) (i32.const 64)) (i32.const -1))))
      (table.size)))
  (core instance $a (instantiate $grower))
  (core instance $b (instantiate $grower))
  (core instance $c (instantiate $grower))
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core module $main
    (import "host" "new" (func $new (param i32) (result i32)))
    (import "a" "grow" (func $growA (result i32)))
    (import "b" "grow" (func $growB (result i32)))
    (import "c" "grow" (func $growC (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 80) "heldmore")
    (func (export "own-handles") (result i32) (local $i i32)
      (loop $more
        (drop (call $new (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $more))
      unreachable)
    ;; Whether all of them together got more than 100,000 elements.
    (func (export "tables") (result i32)
      (i32.store (i32.const 16)
        (select
          (i32.const 84)
          (i32.const 80)
          (i32.gt_u (i32.add (i32.add (call $growA) (call $growB)) (call $growC)) (i32.const 100000))))
      (i32.store (i32.const 20) (i32.const 4))
      (i32.const 16)))
  (core instance $host (export "new" (func $new)))
  (core instance $m
    (instantiate $main (with "host" (instance $host)) (with "a" (instance $a)) (with "b" (instance $b)) (with "c" (instance $c))))
  (alias core export $m "memory" (core memory $memory))
  (func (export "own-handles") (result string) (canon lift (core func $m "own-handles") (memory $memory)))
  (func (export "tables") (result string) (canon lift (core func $m "tables") (memory $memory))))
