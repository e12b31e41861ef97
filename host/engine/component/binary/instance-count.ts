// Counts what comes of one instance of a component, while it is read: a nested component that is instantiated twice brings its own twice. A count above
// the limit is refused where it is passed, so that doubling it thirty times costs nothing.

import { malformed } from "../../wasm/reader.ts";
import type { CoreModule, Instances } from "./model.ts";

/** Each is compiled, linked and metered on its own; real components have up to 16. */
export const MAX_CORE_INSTANCES = 64;
const MAX_COMPONENTS = 64;

export class InstanceCount {
  readonly #modules = new Map<CoreModule, number>();
  #coreInstances = 0;
  #components = 1;

  addModule(module: CoreModule, offset: number): void {
    this.#add(module, 1);
    this.#coreInstances += 1;
    this.#check(offset);
  }

  addComponent({ modules, coreInstances, components }: Instances, offset: number): void {
    this.#coreInstances += coreInstances;
    this.#components += components;
    this.#check(offset);
    for (const [module, count] of modules) this.#add(module, count);
  }

  sum(): Instances {
    return { modules: this.#modules, coreInstances: this.#coreInstances, components: this.#components };
  }

  #add(module: CoreModule, count: number): void {
    this.#modules.set(module, (this.#modules.get(module) ?? 0) + count);
  }

  #check(offset: number): void {
    if (this.#coreInstances > MAX_CORE_INSTANCES) {
      throw malformed(`the component instantiates core modules more than ${MAX_CORE_INSTANCES} times in all; link them into fewer`, offset);
    }
    if (this.#components > MAX_COMPONENTS) {
      throw malformed(`the component instantiates components more than ${MAX_COMPONENTS} times in all; compose fewer`, offset);
    }
  }
}
