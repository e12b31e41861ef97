// Types of the WebAssembly JavaScript API with JavaScript Promise Integration (Node ≥ 24). TypeScript 7.0.2 keeps them in
// its DOM library, without JSPI, and @types/node 26.6.6 has none; delete this file once either brings them.

declare global {
  namespace WebAssembly {
    type ExportValue = ((...args: unknown[]) => unknown) | Memory | Global | Table;
    type Exports = Record<string, ExportValue>;
    type Imports = Record<string, Record<string, unknown>>;

    class Module {
      constructor(bytes: Uint8Array<ArrayBuffer>);
      static exports(module: Module): { name: string; kind: string }[];
      static imports(module: Module): { module: string; name: string; kind: string }[];
      static customSections(module: Module, name: string): ArrayBuffer[];
    }
    class Instance {
      constructor(module: Module, imports?: Imports);
      readonly exports: Exports;
    }
    class Memory {
      constructor(descriptor: { initial: number; maximum?: number });
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    }
    class Table {
      constructor(descriptor: { element: string; initial: number; maximum?: number });
      readonly length: number;
      grow(delta: number): number;
      get(index: number): unknown;
      set(index: number, value: unknown): void;
    }
    class Global<T = unknown> {
      constructor(descriptor: { value: string; mutable?: boolean }, value?: T);
      value: T;
    }
    class Exception extends Error {}
    class RuntimeError extends Error {}
    class CompileError extends Error {}

    /** An import whose promise suspends the guest until it settles. */
    class Suspending {
      constructor(fn: (...args: never[]) => unknown);
    }
    /** Calls the export on a stack of its own that can be suspended. */
    function promising(fn: ExportValue | undefined): (...args: unknown[]) => Promise<unknown>;
    function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
    function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  }
}

/** Whether this Node can run guests at all. */
export const hasJspi = (): boolean => typeof WebAssembly.promising === "function" && typeof WebAssembly.Suspending === "function";
