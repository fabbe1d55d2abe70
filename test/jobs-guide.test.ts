import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sluice, startSluice } from './harness.ts';
import { readProjectFile } from './tree.ts';

/** The commands of docs/jobs.md, as they stand there. */
const BLOCKS = [...readProjectFile('docs/jobs.md').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands = '']) => commands);

let sluice: Sluice;
let folder: string;
beforeAll(async () => {
  sluice = await startSluice();
  folder = mkdtempSync(join(tmpdir(), 'sluice-guide-'));
});
afterAll(async () => {
  await sluice.stop();
  rmSync(folder, { recursive: true });
});

async function run(commands: string): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = Bun.spawn(['sh', '-e', '-c', commands.replaceAll('http://127.0.0.1:8000', sluice.url)], { cwd: folder, stdout: 'pipe', stderr: 'inherit' });
  const output = await new Response(child.stdout).text();
  return { exitCode: await child.exited, output };
}

test('a table is filled into a template, watched, and given back with what came of it', async () => {
  const { exitCode, output } = await run(BLOCKS[0] ?? 'false');
  expect(exitCode).toBe(0);
  expect(output).toContain('"added":2,"total_requests":2');
  expect(output).toContain('"sampled_requests":2');
  expect(output).toContain('event: done');
  expect(output).toContain('Ticket,max_words,Nr,output,status,error,tokens,cost\r\n"The gate did not lift on Sunday, and nobody knows why.",12,t-1,');
});

test('JSONL and JSON are run together, and what failed is told', async () => {
  const { exitCode, output } = await run(BLOCKS[1] ?? 'false');
  expect(exitCode).toBe(0);
  expect(output).toContain('"added":1,"total_requests":3');
  expect(output).toContain('"status":"completed_with_errors"');
  expect(output).toContain('"custom_id":"q-3","status":"failed","status_code":404');
});
