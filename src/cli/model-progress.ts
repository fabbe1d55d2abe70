import type { Environment } from './command-group.ts';
import { sizeText } from './models.ts';

/** Shows on a terminal how far a download is, and elsewhere says so now and then. */
export type Progress = {
  readonly show: (done: number, total: number | null) => void;
  readonly say: (words: string) => void;
  readonly end: () => void;
};

type Showing = {
  readonly name: string;
  readonly out: { readonly isTTY?: boolean; readonly columns?: number; readonly write: (text: string) => unknown };
  readonly env: Environment;
  /** Says nothing at all. */
  readonly quiet: boolean;
};

const REDRAW_MS = 100;
/** What is here at once needs no bar. */
const FIRST_MS = 300;
/** How long ago counts for the rate. */
const RATE_MS = 5000;
const BAR = 24;

export function createProgress({ name, out, env, quiet }: Showing): Progress {
  const isTerminal = out.isTTY === true && env['TERM'] !== 'dumb';
  const isUtf8 = /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '') || process.platform === 'darwin';
  const beganAt = performance.now();
  let marks: { readonly atMs: number; readonly done: number }[] = [];
  let drawnAt = beganAt + FIRST_MS - REDRAW_MS;
  let isDrawn = false;
  let lastTenth = -1;
  const clear = (): void => {
    if (isDrawn) out.write('\r\u001b[2K');
    isDrawn = false;
  };

  return {
    show(done, total) {
      if (quiet) return;
      const atMs = performance.now();
      marks = [...marks.filter((mark) => atMs - mark.atMs < RATE_MS), { atMs, done }];
      const line = (): string => progressLine({ name, done, total, bytesPerS: rate(marks), isUtf8 });
      if (isTerminal) {
        if (atMs - drawnAt < REDRAW_MS) return;
        drawnAt = atMs;
        clear();
        out.write([...line()].slice(0, (out.columns ?? 80) - 1).join(''));
        isDrawn = true;
        return;
      }
      const tenth = total === null ? Math.floor(done / 1e8) : Math.floor((done / total) * 10);
      if (tenth <= lastTenth) return;
      lastTenth = tenth;
      out.write(`${line()}\n`);
    },
    say(words) {
      if (quiet) return;
      clear();
      out.write(`${name}: ${words}\n`);
    },
    end: clear,
  };
}

function rate(marks: readonly { readonly atMs: number; readonly done: number }[]): number | null {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.atMs - first.atMs < 200) return null;
  return ((last.done - first.done) / (last.atMs - first.atMs)) * 1000;
}

type Line = { readonly name: string; readonly done: number; readonly total: number | null; readonly bytesPerS: number | null; readonly isUtf8: boolean };

/** `tinyllama ▕██████      ▏ 42 %  281 of 669 MB · 8.3 MB/s · 47 s left` */
export function progressLine({ name, done, total, bytesPerS, isUtf8 }: Line): string {
  const speed = bytesPerS === null ? [] : [`${sizeText(bytesPerS)}/s`];
  if (total === null) return [`${name}  ${sizeText(done)}`, ...speed].join(isUtf8 ? ' · ' : ', ');
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * BAR);
  const bar = isUtf8 ? `▕${'█'.repeat(full)}${' '.repeat(BAR - full)}▏` : `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}]`;
  const left = bytesPerS !== null && bytesPerS > 0 && done < total ? [`${timeText((total - done) / bytesPerS)} left`] : [];
  return [`${name} ${bar} ${Math.floor(share * 100)} %  ${sizeText(done)} of ${sizeText(total)}`, ...speed, ...left].join(isUtf8 ? ' · ' : ', ');
}

function timeText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}
