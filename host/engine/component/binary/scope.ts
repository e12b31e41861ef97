// The index spaces of one component, or of one instance type, while it is read. They are found again by whatever stands inside of it.

import { malformed } from "../../wasm/reader.ts";
import type { CoreModule, Instances, InstanceType, Item, TypeEntry } from "./model.ts";

/** A nested component. */
export interface ComponentEntry {
  readonly exports: ReadonlyMap<string, Item>;
  readonly instances: Instances;
}

const MAX_DEPTH = 16;
/** Characters of the text of all types. A large real component, CPython's, has 70,000; one byte may name a type of thousands. */
const MAX_TEXT_IN_ALL = 4 * 1024 * 1024;

export class Scope {
  readonly parent: Scope | undefined;
  readonly types: TypeEntry[] = [];
  /** The text of each one's type. */
  readonly functions: string[] = [];
  readonly instances: InstanceType[] = [];
  readonly components: ComponentEntry[] = [];
  readonly modules: CoreModule[] = [];
  /** Whether the resources that it declares are known by the names under which it exports them: in the types of what the component itself imports. */
  readonly namesResources: boolean;

  readonly #root: Scope;
  /** Only of the root. */
  #written = 0;

  constructor(parent: Scope | undefined, offset: number, isInstanceType = false) {
    this.parent = parent;
    this.#root = parent === undefined ? this : parent.#root;
    this.namesResources = isInstanceType && parent !== undefined && parent.parent === undefined;
    let depth = 0;
    for (let scope = parent; scope !== undefined; scope = scope.parent) depth++;
    if (depth > MAX_DEPTH) throw malformed(`components and types are nested more than ${MAX_DEPTH} deep`, offset);
  }

  /** Counts so many characters of types' text. */
  write(characters: number, offset: number): void {
    this.#root.#written += characters;
    if (this.#root.#written <= MAX_TEXT_IN_ALL) return;
    throw malformed(`its types are too large: the limit is ${MAX_TEXT_IN_ALL} characters of text in all`, offset);
  }

  /** The scope so many components or instance types outside of this one. */
  outer(count: number, offset: number): Scope {
    let scope: Scope | undefined = this;
    for (let left = count; left > 0 && scope !== undefined; left--) scope = scope.parent;
    if (scope === undefined) throw malformed(`nothing is ${count} levels outside`, offset);
    return scope;
  }

  /** A value type's text by its index. */
  valueText(index: number, offset: number): string {
    const type = at(this.types, index, "type", offset);
    if (type.kind !== "value") throw malformed(`type ${index} is no type of values`, offset);
    return type.text;
  }

  functionText(index: number, offset: number): string {
    const type = at(this.types, index, "type", offset);
    if (type.kind !== "function") throw malformed(`type ${index} is no type of functions`, offset);
    return type.text;
  }

  resourceName(index: number, offset: number): string {
    const type = at(this.types, index, "type", offset);
    if (type.kind !== "resource") throw malformed(`type ${index} is no resource`, offset);
    return type.name;
  }

  instanceType(index: number, offset: number): InstanceType {
    const type = at(this.types, index, "type", offset);
    if (type.kind !== "instance") throw malformed(`type ${index} is no type of instances`, offset);
    return type.instance;
  }

  /** Gives it the next index of its kind. */
  add(item: Item): void {
    if (item.sort === "function") this.functions.push(item.text);
    else if (item.sort === "type") this.types.push(item.type);
    else this.instances.push(item.instance);
  }
}

/** Throws `admission-refused` when the index leads nowhere. */
export function at<T>(space: readonly T[], index: number, what: string, offset: number): T {
  const found = space[index];
  if (found === undefined) throw malformed(`${what} ${index} is not there`, offset);
  return found;
}
