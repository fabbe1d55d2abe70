import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPeople, type People } from './people.ts';
import { CTRL_C, onTerminal } from './terminal.ts';

setDefaultTimeout(60_000);

type Ended = { readonly code: number; readonly out: string; readonly err: string };
type Job = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly total_requests: number;
  readonly failed_requests: number;
  readonly estimate?: object;
};

const SLUICE = join(import.meta.dir, '../bin/sluice');
const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-jobs-'));
let people: People;
beforeAll(async () => {
  people = await openPeople();
}, 60_000);
afterAll(async () => {
  await people.stop();
  rmSync(folder, { recursive: true, force: true });
});

const envOf = (): Record<string, string> => ({ SLUICE_URL: people.sluice.url, SLUICE_TOKEN: people.admin['authorization']?.slice('Bearer '.length) ?? '' });

async function sluice(words: readonly string[], input = ''): Promise<Ended> {
  const child = Bun.spawn([SLUICE, 'jobs', ...words], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...envOf() },
    cwd: folder,
    stdin: new Blob([input]),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, out, err };
}
async function inJson<Reply>(...words: string[]): Promise<Reply> {
  const { code, out, err } = await sluice([...words, '--json']);
  if (code !== 0) throw new Error(`sluice jobs ${words.join(' ')} ended with ${code}: ${err}`);
  return JSON.parse(out) as Reply;
}
function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}
const chats = (count: number, model = 'demo'): string =>
  Array.from(
    { length: count },
    (_, at) => `${JSON.stringify({ custom_id: `row ${at}`, body: { model, messages: [{ role: 'user', content: `Say ${at}` }] } })}\n`,
  ).join('');
const show = async (id: string): Promise<Job> => (await people.ask<Job>('GET', `/api/v1/jobs/${id}`)).json;

describe('sluice jobs create', () => {
  test('runs the requests of a file to their end, and results writes what came of them', async () => {
    const { code, err } = await sluice(['create', file('questions.jsonl', chats(5)), '--watch']);
    expect(err).toMatch(/job_\w+ completed.* · 5 ok, 0 failed · \$0\.0000/);
    expect(code).toBe(0);
    const id = /job_\w+/.exec(err)?.[0] ?? '';
    const { out } = await sluice(['results', id]);
    const lines = out.trim().split('\n');
    const outcomes = lines.map((line) => JSON.parse(line) as { custom_id: string; response: { choices: { message: { content: string } }[] } });
    expect(outcomes.map(({ custom_id: customId }) => customId)).toEqual(['row 0', 'row 1', 'row 2', 'row 3', 'row 4']);
    for (const { response } of outcomes) expect(response.choices[0]?.message.content).toContain('[demo]');
  });

  test('fills a template with the columns of a table, and gives the table back with the answers beside it', async () => {
    const table = file('tickets.csv', 'ticket,text\nT1,"The gate did not lift, again"\nT2,All is well\n');
    const job = await inJson<Job>('create', table, '--template', 'summarize_v1', '--map', 'text=input,ticket=custom_id', '--watch');
    expect(job).toMatchObject({ name: 'tickets.csv', status: 'completed', total_requests: 2 });
    const { code, err } = await sluice(['results', job.id, '--format', 'merged', '-o', 'done.csv']);
    expect([code, err]).toEqual([0, 'Wrote done.csv.\n']);
    const [head, first] = readFileSync(join(folder, 'done.csv'), 'utf8').split('\r\n');
    expect(head).toBe('ticket,text,output,status,error,tokens,cost');
    expect(first).toStartWith('T1,"The gate did not lift, again",');
  });

  test('with --estimate starts nothing and says what it would cost; submit starts it', async () => {
    const { code, out, err } = await sluice(['create', file('later.jsonl', chats(3)), '--estimate', '--name', 'Later']);
    expect(code).toBe(0);
    expect(err).toMatch(/Made job_\w+ with 3 requests, on hold\.\nIt would cost about \$0\.0000 one by one/);
    const id = out.trim();
    expect(await show(id)).toMatchObject({ name: 'Later', status: 'pending' });
    expect((await sluice(['submit', id, '--watch'])).code).toBe(0);
    expect((await show(id)).status).toBe('completed');
  });

  test('leaves nothing of a file that is not taken, and names its line', async () => {
    const { code, err } = await sluice(['create', file('broken.jsonl', `${chats(2)}{"custom_id":\n`), '--name', 'Broken']);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: .*[Ll]ine 3/);
    const { json } = await people.ask<{ data: Job[] }>('GET', '/api/v1/jobs/?q=Broken');
    expect(json.data).toEqual([]);
  });

  test('reads standard input', async () => {
    const { code, out } = await sluice(['create', '-', '--hold', '--json'], chats(4));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ name: 'from standard input', total_requests: 4, status: 'pending' });
  });

  test.each([
    [['create', 'nothing.jsonl'], 'there is no file nothing.jsonl'],
    [['create', 'table.xlsx'], 'table.xlsx is no kind of file that can be read'],
    [['create', 'x.csv', '--map', 'text'], "argument 'text' is invalid"],
    [['create', 'x.csv', '--engine', 'fast'], "argument 'fast' is invalid"],
    [['remove', 'job_1'], 'to remove job_1 cannot be undone'],
  ])('%p is called wrongly', async (words, message) => {
    const { code, err } = await sluice(words);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('sluice jobs', () => {
  test('watch fails where some of the requests did, and retry runs those alone', async () => {
    const job = await inJson<Job>(
      'create',
      file('mixed.jsonl', `${chats(2)}{"custom_id":"bad","body":{"model":"no-such-model","messages":[{"role":"user","content":"x"}]}}\n`),
      '--hold',
    );
    const { code, err } = await sluice(['submit', job.id, '--watch']);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`${job.id} completed with errors.* · 2 ok, 1 failed`));
    expect(err).toContain(`next: sluice jobs retry ${job.id} --failed`);
    const failed = await sluice(['results', job.id, '--failed']);
    expect(
      failed.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { custom_id: string }).custom_id),
    ).toEqual(['bad']);
    expect((await sluice(['retry', job.id, '--failed', '--watch'])).code).toBe(1);
    expect((await sluice(['watch', job.id])).code).toBe(1);
  });

  test('list, show, cancel and remove', async () => {
    const job = await inJson<Job>('create', file('many.jsonl', chats(3)), '--hold', '--name', 'Findable');
    const listed = await sluice(['list', '--search', 'Findable']);
    expect(listed.out).toMatch(/^NAME +STATUS +DONE +FAILED +COST +SAVED +ENGINE +MADE +ID\nFindable +pending +0\/3 +0 +\$0\.0000 +– +auto +\d/);
    expect((await sluice(['show', job.id])).out).toContain('Findable');
    expect((await sluice(['cancel', job.id])).code).toBe(0);
    expect(await inJson<object>('remove', job.id, '--yes')).toEqual({ id: job.id, removed: true });
    expect((await sluice(['show', job.id])).code).toBe(1);
  });

  test('watch shows a bar on a terminal, and Ctrl-C leaves the job running', async () => {
    const job = await inJson<Job>('create', file('slow.jsonl', chats(60, 'demo-slow')));
    const terminal = onTerminal(['jobs', 'watch', job.id], { cwd: folder, env: { ...envOf(), LANG: 'C.UTF-8' } });
    try {
      await terminal.until((shown) => /▕.*▏ +\d+% \d+\/60/.test(shown));
      terminal.press(CTRL_C);
      expect(await terminal.exited).toBe(130);
      expect(terminal.shown()).toContain(`${job.id} goes on by itself.\n  watch it again: sluice jobs watch ${job.id}`);
      expect((await show(job.id)).status).toBe('in_progress');
    } finally {
      await terminal.end();
    }
  });
});
