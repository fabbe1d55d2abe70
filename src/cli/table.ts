/** Rows in columns, for people: as wide as what is in them. */
export type Columns<Row> = readonly (readonly [title: string, text: (row: Row) => string])[];

const NOTHING = '–';

export function table<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, text]) => text(row) || NOTHING))];
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => [...(cells[at] ?? '')].length)));
  return `${lines
    .map((cells) =>
      cells
        .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - [...cell].length))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

type Bounded = {
  readonly rpm: number | null;
  readonly tpm: number | null;
  readonly max_parallel: number | null;
  readonly budget: { readonly usd: number; readonly period: string } | null;
};

/** `60 rpm, 4 at once, $20 a month` */
export function boundsText({ rpm, tpm, max_parallel: parallel, budget }: Bounded): string {
  return [
    ...(rpm === null ? [] : [`${rpm} rpm`]),
    ...(tpm === null ? [] : [`${tpm} tpm`]),
    ...(parallel === null ? [] : [`${parallel} at once`]),
    ...(budget === null ? [] : [`$${budget.usd} ${budget.period === 'total' ? 'in total' : `a ${budget.period}`}`]),
  ].join(', ');
}

/** To the minute, in UTC like everything that the service says. */
export function timeText(time: string | null): string {
  return time === null ? '' : time.slice(0, 16).replace('T', ' ');
}
