// The commands of the official test suite as its converter writes them (converter/src/main.rs). It reads and judges nothing.

export interface Value {
  readonly type: string;
  /** Numbers are their bits, signed or not; a list for the lanes of a vector; a reference of the host is a number; absent for "any". */
  readonly value?: string | readonly string[];
  readonly lane_type?: string;
  /** Of "either". */
  readonly values?: readonly Value[];
}

export interface Action {
  readonly type: "invoke" | "get";
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly Value[];
}

interface OfModule {
  readonly line: number;
  readonly name?: string;
  readonly filename: string;
  readonly module_type: "binary" | "text";
  /** A text that is a module has this too. */
  readonly binary_filename?: string;
}

interface OfAction {
  readonly line: number;
  readonly action: Action;
}

export type Command =
  | (OfModule & { readonly type: "module" | "module_definition" })
  | (OfModule & { readonly type: "assert_invalid" | "assert_malformed" | "assert_unlinkable" | "assert_uninstantiable" })
  | (OfAction & { readonly type: "action" | "assert_trap" | "assert_exhaustion" | "assert_exception" })
  | (OfAction & { readonly type: "assert_return"; readonly expected: readonly Value[] })
  | { readonly type: "register"; readonly line: number; readonly name?: string; readonly as: string }
  | { readonly type: "module_instance"; readonly line: number; readonly instance: string; readonly module: string };
