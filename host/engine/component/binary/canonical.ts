// The canonical functions by an allow-list: a component lifts, lowers, and makes, drops and looks at resources, all of it synchronously.

import { malformed, type Reader } from "../../wasm/reader.ts";

const CANONICAL = { lift: 0x00, lower: 0x01, resourceNew: 0x02, resourceDrop: 0x03, resourceRep: 0x04 } as const;
const OPTION = { utf8: 0x00, memory: 0x03, realloc: 0x04, postReturn: 0x05 } as const;
const REMEDY = "build it with its toolchain's synchronous ABI (componentize-qjs --sync) and texts in UTF-8";

/** Reads one; answers the index of the type of the function that it lifts, if it does. */
export function readCanonical(reader: Reader): number | undefined {
  const offset = reader.offset;
  const code = reader.byte();
  switch (code) {
    case CANONICAL.lift: {
      if (reader.byte() !== 0x00) throw malformed("a lifting of an unknown form", offset);
      reader.u32();
      readOptions(reader);
      return reader.u32();
    }
    case CANONICAL.lower: {
      if (reader.byte() !== 0x00) throw malformed("a lowering of an unknown form", offset);
      reader.u32();
      readOptions(reader);
      return undefined;
    }
    case CANONICAL.resourceNew:
    case CANONICAL.resourceDrop:
    case CANONICAL.resourceRep:
      reader.u32();
      return undefined;
    default:
      throw malformed(
        `the component uses the canonical function 0x${code.toString(16)}, and only the synchronous ones are allowed; ${REMEDY}`,
        offset,
      );
  }
}

function readOptions(reader: Reader): void {
  for (let left = reader.count(); left > 0; left--) {
    const offset = reader.offset;
    const option = reader.byte();
    if (option === OPTION.utf8) continue;
    if (option !== OPTION.memory && option !== OPTION.realloc && option !== OPTION.postReturn) {
      throw malformed(
        `the component uses the canonical option 0x${option.toString(16)} (async, callback, another encoding), which is not allowed; ${REMEDY}`,
        offset,
      );
    }
    reader.u32();
  }
}
