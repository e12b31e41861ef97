// Letters of other scripts that look like ours, where a name may have none of them.

/** `: its letter U+0430 is none of a to z` of a name that has one, however it looks; nothing for a name of ASCII. */
export function foreignWords(name: string): string {
  const found = /[^\p{ASCII}]/u.exec(name)?.[0];
  return found === undefined
    ? ""
    : `: its letter U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} is none of a to z`;
}
