import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The benchmark itself, in short: that it works, and that nothing made a call grossly slower. docs/performance.md has the real figures. */
const FOLDER = mkdtempSync(join(tmpdir(), 'sluice-bench-test-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Several times what they are on a quiet machine: other programs may share the one that runs the tests. */
const CEILINGS: Readonly<Record<string, number>> = { call: 15, stream: 8 };

// It reads /proc, and compares with nginx, which it installs where it may.
const canRun = process.platform === 'linux' && (Bun.which('nginx', { PATH: `${process.env['PATH']}:/usr/sbin` }) !== null || process.getuid?.() === 0);

type Summary = { readonly target: string; readonly cell: string; readonly cpuMicros: number; readonly ratio: number };

if (canRun) {
  describe('bench/run.ts --quick', () => {
    test('measures Sluice next to nginx, and a call costs no more than the ceiling', async () => {
      const file = join(FOLDER, 'found.json');
      const child = Bun.spawn([process.execPath, '--no-env-file', 'bench/run.ts', '--quick', '--json', file], {
        cwd: join(import.meta.dir, '..'),
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const [said, problems, exitCode] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
      expect(problems).toBe('');
      expect(exitCode).toBe(0);
      expect(said).toContain('× nginx');
      const { summaries } = (await Bun.file(file).json()) as { readonly summaries: readonly Summary[] };
      expect(summaries.map(({ target, cell }) => `${target} ${cell}`)).toEqual(['Sluice call', 'nginx call', 'Sluice stream', 'nginx stream']);
      for (const { cell, target, ratio, cpuMicros } of summaries) {
        expect(cpuMicros).toBeGreaterThan(1);
        if (target === 'Sluice')
          expect({ cell, ratio: ratio < (CEILINGS[cell] ?? 0) ? 'below the ceiling' : ratio }).toEqual({ cell, ratio: 'below the ceiling' });
      }
    });
  });
}
