// The core module of a test component: what every one needs, around the code of its entry point.

/** Imports of our world by their core signatures. */
export const IMPORTS: Readonly<Record<string, string>> = {
  write: '(import "bulkhead:plugin/log@0.2.0" "write" (func $write (param i32 i32 i32 i32)))',
  getMany: '(import "bulkhead:plugin/storage@0.2.0" "get-many" (func $getMany (param i32 i32 i32)))',
  apply: '(import "bulkhead:plugin/storage@0.2.0" "apply" (func $apply (param i32 i32 i32)))',
  commit: '(import "bulkhead:plugin/storage@0.2.0" "commit" (func $commit (param i32 i32 i32 i32 i32)))',
  set: '(import "bulkhead:plugin/storage@0.2.0" "set" (func $set (param i32 i32 i32 i32 i32)))',
  get: '(import "bulkhead:plugin/storage@0.2.0" "get" (func $get (param i32 i32 i32)))',
  call: '(import "bulkhead:plugin/services@0.2.0" "call" (func $call (param i32 i32 i32 i32 i32 i32 i32)))',
};

interface GuestOptions {
  readonly imports?: readonly string[];
  /** Has $name, $nameLength, $input and $inputLength; answers the address of a result<list<u8>, string>. */
  readonly handle: string;
  /** Has $old, $oldSize, $align, $size; answers an address. The default never frees. */
  readonly realloc?: string;
  readonly postReturn?: string;
  readonly more?: string;
  readonly pages?: number;
}

/** Answers `$ok address length` and `$err address length` as a result at address 16. */
export const guest = ({ imports = [], handle, realloc, postReturn = "", more = "", pages = 2 }: GuestOptions): string => `(module
  ${imports.join("\n  ")}
  (memory (export "memory") ${pages})
  (global $top (mut i32) (i32.const 4096))
  (func $result (param $tag i32) (param $at i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 16) (local.get $tag)) (i32.store (i32.const 20) (local.get $at)) (i32.store (i32.const 24) (local.get $length)) (i32.const 16))
  (func $ok (param i32 i32) (result i32) (call $result (i32.const 0) (local.get 0) (local.get 1)))
  (func $err (param i32 i32) (result i32) (call $result (i32.const 1) (local.get 0) (local.get 1)))
  (func $spin (loop $again (br $again)))
  (func (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
    ${
      realloc ??
      `(local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.const 64)))))
    (local.get $at)`
    })
  (func (export "bulkhead:plugin/entry-points@0.2.0#handle")
    (param $name i32) (param $nameLength i32) (param $input i32) (param $inputLength i32) (result i32)
    ${handle})
  (func (export "cabi_post_bulkhead:plugin/entry-points@0.2.0#handle") (param i32) ${postReturn === "" ? "(global.set $top (i32.const 4096))" : postReturn})
  ${more})`;
