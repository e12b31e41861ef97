// What an operator wrote, without what sounds like a secret: to be shown, not to be used.

const HIDDEN = "(not shown)";
/** Names of keys, in whatever way they are put together: `apiKey`, `client_secret`, `DB_PASSWORD`. */
const SECRET =
  /pass(word|wd|phrase)?$|secret$|token$|credentials?$|(api|access|private|signing|encryption|auth)[-_]?key$|^key$|^pwd$|cookie$|authorization$|dsn$/i;
/** Their values are names of secrets, paths of files and the like. */
const NO_SECRET: ReadonlySet<string> = new Set(["urlSecret", "clientSecret"]);
const IN_URL = /(:\/\/)[^/?#\s@]+@/g;

/** A copy, with `(not shown)` in the place of texts and numbers below a key that is called like a secret, and of who logs in by a URL. */
export function shownValue(value: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((one) => shownValue(one, path));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, shownValue(below, [...path, key])]));
  if (typeof value !== "string" && typeof value !== "number") return value;
  if (path.some((key, i) => isSecret(key, path[i - 1]))) return HIDDEN;
  return typeof value === "string" ? value.replace(IN_URL, `$1${HIDDEN}@`) : value;
}

/** Whether what is called so is to be kept to oneself. */
export const soundsSecret = (key: string): boolean => SECRET.test(key) && !NO_SECRET.has(key);

const isSecret = (key: string, above: string | undefined): boolean => soundsSecret(key) && !(key === "key" && above === "tls");
