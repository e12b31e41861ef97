// What the parser of components finds: what is imported and exported, with its types as canonical text, and the core modules with how often each is
// instantiated. Types are compared as text, so two types are equal exactly when their texts are.

/** What stands at an index of a component's types. */
export type TypeEntry =
  /** `list<u8>`, `record{name:string,age:option<u8>}`, `own<pollable>`. */
  | { readonly kind: "value"; readonly text: string }
  | { readonly kind: "resource"; readonly name: string }
  /** `(string,list<u8>) -> result<_,string>`; parameters have no names. */
  | { readonly kind: "function"; readonly text: string }
  | { readonly kind: "instance"; readonly instance: InstanceType };

/** What an import, an export or an alias is. */
export type Item =
  | { readonly sort: "function"; readonly text: string }
  | { readonly sort: "type"; readonly type: TypeEntry }
  | { readonly sort: "instance"; readonly instance: InstanceType };

export interface InstanceType {
  readonly items: ReadonlyMap<string, Item>;
  /** The resources that it declares, by the names under which it exports them. */
  readonly resources: readonly string[];
}

export interface CoreModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How many instances come of one of a component. */
export interface Instances {
  readonly modules: ReadonlyMap<CoreModule, number>;
  readonly coreInstances: number;
  /** Of components, itself included. */
  readonly components: number;
}

export interface ParsedComponent {
  readonly imports: readonly (readonly [name: string, item: Item])[];
  readonly exports: ReadonlyMap<string, Item>;
  /** In the order of the binary, also those of nested components, and those that are never instantiated. */
  readonly modules: readonly CoreModule[];
  readonly instances: Instances;
}
