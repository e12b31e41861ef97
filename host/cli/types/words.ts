// Words of a generated file, made of strangers' names and texts: identifiers, literals and comments that nothing can break out of.

import { escapeControls } from "../../core/names.ts";

/** What a file declares itself, what it takes from the language, and what the language keeps for itself. */
const TAKEN =
  "Answer Caller Configurations Events ExtensionPoints JSON Promise ReadConfig ReturnType Services TextDecoder TextEncoder Uint8Array inPlugin " +
  "any arguments async await boolean break case catch class const continue debugger declare default delete do else enum eval export extends false finally " +
  "for function if implements import in instanceof interface let never new null number object package private protected public return static string " +
  "super switch symbol this throw true try type typeof undefined unknown using var void while with yield";
const MAX_COMMENT = 500;

/** Hands out each identifier once. */
export class Identifiers {
  readonly #taken: Set<string>;

  constructor(taken: string = TAKEN) {
    this.#taken = new Set(taken.split(" "));
  }

  /** `wanted`, or with a number behind it. */
  take(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i += 1) name = `${wanted}${i}`;
    this.#taken.add(name);
    return name;
  }
}

const partsOf = (name: string): string[] => name.split(/[^A-Za-z0-9]+/).filter((part) => part !== "");
const capital = (part: string): string => part.charAt(0).toUpperCase() + part.slice(1);
const notADigit = (name: string): string => (/^[A-Za-z]/.test(name) ? name : `_${name}`);

/** `devices.turn-on` as `DevicesTurnOn`. */
export const pascalCase = (name: string): string => notADigit(partsOf(name).map(capital).join(""));

/** `turn-on` as `turnOn`. */
export const camelCase = (name: string): string => {
  const [first = "", ...rest] = partsOf(name);
  return notADigit(first.charAt(0).toLowerCase() + first.slice(1) + rest.map(capital).join(""));
};

// Line separators, and what turns the direction of a text, are characters of strings that a reader does not see.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A string's literal; what nobody sees stands in it as an escape. */
export const literal = (text: string): string =>
  JSON.stringify(text).replace(UNSEEN, (character) =>
    [...Array(character.length).keys()].map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
  );

/** A property's name as it stands in a type. */
export const propertyKey = (key: string): string => (/^[A-Za-z][A-Za-z0-9]*$/.test(key) ? key : literal(key));

/** The lines of a doc comment, or none. What would be a tag, or an instruction to a compiler, is text. */
export function docComment(text: unknown, indent: string): string {
  if (typeof text !== "string") return "";
  const line = escapeControls(text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_COMMENT).toWellFormed());
  if (line === "") return "";
  return `${indent}/** ${line.replaceAll("*/", "*\\/").replaceAll(/(?<!\w)@/g, "\\@")} */\n`;
}
