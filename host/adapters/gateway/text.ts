// Strangers' words as text and nothing else: for whoever reads characters, and for pages that render Markdown or HTML and generators of comments.

import { escapeControls } from "../../core/names.ts";

/** What begins markup somewhere in a line, and what ends a comment. */
const MARKUP = /[&<>*_`[\]#|~\\!]/g;
/** A list, a heading or a rule at the beginning of a line. */
const LINE_START = /^(\d{0,9})([-+=.)])/;

const entity = (character: string): string => `&#${character.codePointAt(0)};`;

/** One line in which every character shows. */
export const visibleText = (text: string): string => escapeControls(text.trim());

/** Whether it has characters that do not show. */
export const hidesCharacters = (text: string): boolean => visibleText(text) !== text.trim();

/** Reads the same as plain text, as Markdown and as HTML once character references are resolved; one line, without control or invisible characters. */
export function plainText(text: string): string {
  return visibleText(text)
    .replace(MARKUP, entity)
    .replace(LINE_START, (_all, digits: string, mark: string) => `${digits}${entity(mark)}`);
}
