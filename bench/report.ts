import { cpus } from 'node:os';
import type { Cell, Idle, SlowStreams, Turn } from './measure.ts';

/** What a run found, as tables. */
export type Findings = {
  readonly cells: readonly Cell[];
  readonly targets: readonly string[];
  readonly turns: readonly Turn[];
  readonly starts: readonly { readonly target: string; readonly firstMs: number; readonly laterMs: number | null }[];
  readonly idle: readonly Idle[];
  readonly slow: readonly SlowStreams[];
  /** Who could not take part, and why. */
  readonly absent: readonly string[];
};

const REFERENCE = 'nginx';

export type Summary = {
  readonly target: string;
  readonly cell: string;
  readonly cpuMicros: number;
  readonly ratio: number | null;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

export function summarize({ targets, cells, turns }: Pick<Findings, 'targets' | 'cells' | 'turns'>): readonly Summary[] {
  return cells.flatMap((cell) =>
    targets.flatMap((target) => {
      const own = turnsOf(turns, target, cell.name);
      if (own.length === 0) return [];
      // What a cache or a store adds is compared with the plain call of the reference, which has neither.
      const reference = turnsOf(turns, REFERENCE, cell.kind === 'stream' ? cell.name : 'call');
      const ratios = own.flatMap((turn, index) => (reference[index] ? [turn.cpuMicrosPerCall / reference[index].cpuMicrosPerCall] : []));
      return [
        {
          target,
          cell: cell.name,
          cpuMicros: median(own.map((turn) => turn.cpuMicrosPerCall)),
          ratio: ratios.length === 0 ? null : median(ratios),
          callsPerSecond: median(own.map((turn) => turn.callsPerSecond)),
          p50Ms: median(own.map((turn) => turn.load.p50Ms)),
          p99Ms: median(own.map((turn) => turn.load.p99Ms)),
        },
      ];
    }),
  );
}

function turnsOf(turns: readonly Turn[], target: string, cell: string): readonly Turn[] {
  return turns.filter((turn) => turn.target === target && turn.cell === cell);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export function markdown(findings: Findings): string {
  const summaries = summarize(findings);
  const { cells, targets, starts, idle, slow } = findings;
  const [processor] = cpus();
  const lines = [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores of ${processor?.model.trim() ?? 'an unknown kind'}, Bun ${Bun.version}; \`bun bench/run.ts ${process.argv.slice(2).join(' ')}\``.replace(
      ' `bun bench/run.ts `',
      ' `make bench`',
    ),
    '',
    `| CPU for one, in µs (× ${REFERENCE}) | ${targets.join(' | ')} |`,
    `|---|${targets.map(() => '---:').join('|')}|`,
    ...cells.map((cell) => `| ${cell.words} | ${targets.map((target) => cpuWords(summaries, target, cell.name)).join(' | ')} |`),
    '',
    `| a second (p50, p99 in ms) | ${targets.join(' | ')} |`,
    `|---|${targets.map(() => '---:').join('|')}|`,
    ...cells.map((cell) => `| ${cell.words} | ${targets.map((target) => paceWords(summaries, target, cell.name)).join(' | ')} |`),
    '',
    `| | ${targets.join(' | ')} |`,
    `|---|${targets.map(() => '---:').join('|')}|`,
    row('first start to first answer, ms', targets, (target) => starts.find((one) => one.target === target)?.firstMs),
    row('later start to first answer, ms', targets, (target) => starts.find((one) => one.target === target)?.laterMs),
    row('idle memory, MB', targets, (target) => idle.find((one) => one.target === target)?.memoryMb),
    row('its database, idle, MB', targets, (target) => idle.find((one) => one.target === target)?.databaseMb || null),
    row(
      `${slow[0]?.streams ?? 0} slow streams at once, ms (ideal ${slow[0]?.idealMs ?? 0})`,
      targets,
      (target) => slow.find((one) => one.target === target)?.wallMs,
    ),
    row('most memory meanwhile, MB', targets, (target) => slow.find((one) => one.target === target)?.peakMb),
    ...findings.absent.map((words) => `\nNot in this run: ${words}`),
  ];
  return lines.join('\n');
}

function cpuWords(summaries: readonly Summary[], target: string, cell: string): string {
  const found = summaries.find((one) => one.target === target && one.cell === cell);
  if (!found) return '';
  return found.ratio === null ? found.cpuMicros.toFixed(0) : `${found.cpuMicros.toFixed(0)} (${found.ratio.toFixed(found.ratio < 20 ? 1 : 0)})`;
}

function paceWords(summaries: readonly Summary[], target: string, cell: string): string {
  const found = summaries.find((one) => one.target === target && one.cell === cell);
  return found ? `${found.callsPerSecond.toFixed(0)} (${found.p50Ms.toFixed(1)}, ${found.p99Ms.toFixed(1)})` : '';
}

function row(words: string, targets: readonly string[], of: (target: string) => number | null | undefined): string {
  return `| ${words} | ${targets.map((target) => of(target)?.toFixed(0) ?? '').join(' | ')} |`;
}
