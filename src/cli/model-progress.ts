import type { Environment } from './command-group.ts';
import { sizeText } from './models.ts';
import { showProgress, spanText } from './progress.ts';

/** Shows how far a download is, how fast it comes and how long it takes yet. */
export type DownloadShown = {
  readonly show: (done: number, total: number | null) => void;
  readonly say: (words: string) => void;
  readonly end: () => void;
};

/** How long ago counts for the rate, and how much of that there has to be. */
const [RATE_MS, RATE_FIRST_MS] = [5000, 200];

export function showDownload(name: string, out: NodeJS.WriteStream, env: Environment): DownloadShown {
  const shown = showProgress(out, env);
  let marks: { readonly atMs: number; readonly done: number }[] = [];
  return {
    show(done, total) {
      const atMs = performance.now();
      marks = [...marks.filter((mark) => atMs - mark.atMs < RATE_MS), { atMs, done }];
      const [{ atMs: fromMs, done: before } = { atMs, done }] = marks;
      const bytesPerS = atMs - fromMs < RATE_FIRST_MS ? null : ((done - before) / (atMs - fromMs)) * 1000;
      // Of a file whose length nobody states there is no share to show.
      if (total !== null) shown.show({ done, total, before: name, after: amountText(done, total, bytesPerS) });
    },
    say(words) {
      shown.end();
      out.write(`${name}: ${words}\n`);
    },
    end: shown.end,
  };
}

/** `281 MB of 669 MB, 8.3 MB/s, 47 s left` */
export function amountText(done: number, total: number, bytesPerS: number | null): string {
  const rate = bytesPerS === null ? [] : [`${sizeText(bytesPerS)}/s`];
  const left = bytesPerS !== null && bytesPerS > 0 && done < total ? [`${spanText((total - done) / bytesPerS)} left`] : [];
  return [`${sizeText(done)} of ${sizeText(total)}`, ...rate, ...left].join(', ');
}
