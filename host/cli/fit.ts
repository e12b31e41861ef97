// Breaks the cells of a table so that it is no wider than the terminal. Nothing is cut off.

/** A cell's padding and the line before it. */
const FRAME = 3;
const MIN_WIDTH = 8;

/** `rows` as they are when they fit into `columns`, or when that is undefined because there is no terminal. */
export function fitted(rows: readonly (readonly string[])[], columns: number | undefined): string[][] {
  const natural = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => widthOf(row[i] ?? ""))));
  const room = (columns ?? Number.POSITIVE_INFINITY) - FRAME * natural.length - 1;
  const cap = capFor(natural, room);
  return rows.map((row) =>
    row.map((cell) =>
      cell
        .split("\n")
        .flatMap((line) => wrapped(line, cap))
        .join("\n"),
    ),
  );
}

const widthOf = (cell: string): number => Math.max(...cell.split("\n").map((line) => line.length));

/** The largest width of a column with which all fit. */
function capFor(widths: readonly number[], room: number): number {
  let cap = Math.max(...widths);
  while (cap > MIN_WIDTH && widths.reduce((sum, width) => sum + Math.min(width, cap), 0) > room) cap -= 1;
  return cap;
}

function wrapped(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const at = space > 0 ? space : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(space > 0 ? at + 1 : at);
  }
  return [...lines, rest];
}
