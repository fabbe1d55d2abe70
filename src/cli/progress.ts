import type { Environment } from './command-group.ts';

/** How far something is: a bar that moves on a terminal, and now and then a line elsewhere. */
export type Progress = { readonly done: number; readonly total: number; readonly before: string; readonly after: string };
export type ProgressShown = {
  readonly show: (progress: Progress) => void;
  /** Leaves the line for what comes next. */
  readonly end: () => void;
};

const WIDTH = 24;
/** What is over sooner needs no bar. */
const QUIET_MS = 300;
const REDRAW_MS = 100;
const LINE_EVERY_MS = 30_000;
const STEPS = 10;
const CLEARED_LINE = '\r\u001B[K';
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export function showProgress(out: NodeJS.WriteStream, env: Environment): ProgressShown {
  return out.isTTY && env['TERM'] !== 'dumb' ? bar(out, env) : lines(out);
}

function bar(out: NodeJS.WriteStream, env: Environment): ProgressShown {
  const isUtf8 = /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
  const beganAt = performance.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show(progress) {
      const now = performance.now();
      if (now - beganAt < QUIET_MS || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      isDrawn = true;
      const room = (out.columns || 80) - 1;
      const texts = [progress.before, barText(progress, isUtf8), percentText(progress), progress.after];
      // Where there is no room for it, the bar goes first.
      const wide = texts.join(' ');
      const text = wide.length <= room ? wide : [texts[2], texts[3]].join(' ').slice(0, room);
      out.write(`${CLEARED_LINE}${text}`);
    },
    end() {
      if (isDrawn) out.write(CLEARED_LINE);
    },
  };
}

function barText({ done, total }: Progress, isUtf8: boolean): string {
  const share = total === 0 ? 0 : Math.min(1, done / total);
  if (!isUtf8) return `[${'#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.')}]`;
  const eighths = Math.round(share * WIDTH * 8);
  return `▕${('█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')).padEnd(WIDTH)}▏`;
}

function percentText({ done, total }: Progress): string {
  return `${total === 0 ? 0 : Math.floor((done / total) * 100)}%`.padStart(4);
}

function lines(out: NodeJS.WriteStream): ProgressShown {
  let step = -1;
  let toldAt = performance.now();
  return {
    show(progress) {
      const now = performance.now();
      const next = progress.total === 0 ? 0 : Math.floor((progress.done / progress.total) * STEPS);
      if (next <= step && now - toldAt < LINE_EVERY_MS) return;
      step = next;
      toldAt = now;
      out.write(`${[progress.before, percentText(progress), progress.after].join(' ')}\n`);
    },
    end: () => undefined,
  };
}

/** How long something takes, to the second, and of hours to the minute. */
export function spanText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.ceil((whole % 3600) / 60)} min`;
}
