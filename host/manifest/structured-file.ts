// Parses the text of a file that a stranger or an operator wrote, before a schema looks at it: JSON, and for operators YAML and TOML.

import { parse as parseToml } from "smol-toml";
import { parseDocument } from "yaml";
import { HostError, type HostErrorCode } from "../core/errors.ts";

// An alias may stand for another; without a bound nine lines of YAML make gigabytes.
const MAX_ALIASES = 100;

/** Throws a HostError with `code` for what is no JSON, and for a key `__proto__`, which schemas would silently drop. */
export function parseJson(text: string, file: string, code: HostErrorCode): unknown {
  return parseWith(() => refuseProto(withoutMark(text)), file, "JSON", code);
}

/** By the file's extension: .yaml and .yml, .toml, else JSON. Throws like parseJson. */
export function parseByExtension(text: string, file: string, code: HostErrorCode): unknown {
  // By way of JSON, so that dates and the like are text and the rules are the same whatever the format.
  if (/\.ya?ml$/.test(file)) return parseWith(() => refuseProto(JSON.stringify(fromYaml(withoutMark(text)))), file, "YAML", code);
  return file.endsWith(".toml") ? parseTomlText(text, file, code) : parseJson(text, file, code);
}

/** Throws like parseJson. */
export const parseTomlText = (text: string, file: string, code: HostErrorCode): unknown =>
  parseWith(() => refuseProto(JSON.stringify(parseToml(withoutMark(text)))), file, "TOML", code);

function parseWith(parse: () => unknown, file: string, format: string, code: HostErrorCode): unknown {
  try {
    return parse();
  } catch (cause) {
    // Parsers of YAML and TOML draw the place below their message.
    const [message = "", ...drawing] = messageOf(cause).split("\n");
    const isDrawn = format !== "JSON" && drawing.length > 0;
    const why = isDrawn ? message.replace(/:$/, "") : [message, ...drawing].join(" ");
    throw new HostError(code, `${file} is not ${format}: ${why}`, { detail: isDrawn ? drawing.join("\n") : undefined, cause });
  }
}

// The stack is all that ends a parser of JSON.
function messageOf(cause: unknown): string {
  if (cause instanceof RangeError) return "it nests deeper than anybody reads";
  return cause instanceof Error ? cause.message : "";
}

// Editors on Windows begin a file with a byte order mark.
const withoutMark = (text: string): string => (text.startsWith("\ufeff") ? text.slice(1) : text);

function refuseProto(text: string): unknown {
  return JSON.parse(text, (key, value) => {
    if (key === "__proto__") throw new SyntaxError("the key __proto__ is not allowed");
    return value;
  });
}

function fromYaml(text: string): unknown {
  const document = parseDocument(text, { schema: "core", uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw problem;
  return document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
}
