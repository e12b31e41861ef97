// Strangers' words in documents that pages render as Markdown or HTML, and that generators put into comments: text and nothing else.

import { escapeControls } from "../../core/names.ts";

/** Shown as nothing, and used to make words look like others. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|\p{Cf}/gu;
/** What begins markup somewhere in a line, and what ends a comment. */
const MARKUP = /[&<>*_`[\]#|~\\!]/g;
/** A list, a heading or a rule at the beginning of a line. */
const LINE_START = /^(\d{0,9})([-+=.)])/;

const entity = (character: string): string => `&#${character.codePointAt(0)};`;

/** Reads the same as plain text, as Markdown and as HTML once character references are resolved; one line, without control or invisible characters. */
export function plainText(text: string): string {
  return escapeControls(text.trim())
    .replace(INVISIBLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(MARKUP, entity)
    .replace(LINE_START, (_all, digits: string, mark: string) => `${digits}${entity(mark)}`);
}
