import { expect, test } from 'bun:test';
import type { App } from '../app.ts';
import type { Said } from '../app/keeping.ts';
import { manualClock } from '../../test/manual-clock.ts';
import { createBodies } from './bodies.ts';
import type { BodyRow } from './postgres/body-store.ts';

type Privacy = { readonly keep_bodies?: 'off' | 'errors' | 'all'; readonly redact?: readonly string[] };

function world({ keep_bodies: keep = 'all', redact = ['email'] }: Privacy = {}) {
  const clock = manualClock();
  const written: BodyRow[] = [];
  const warnings: string[] = [];
  const state = { version: 1, redact, away: false };
  const config = () => ({
    version: state.version,
    file: { privacy: { redact: state.redact, keep_bodies: keep } },
  });
  const log = { debug: () => undefined, info: () => undefined, error: () => undefined, warning: (message: string) => void warnings.push(message) };
  const write = (rows: readonly BodyRow[]): Promise<void> => {
    if (state.away) return Promise.reject(new Error('away'));
    if (rows.some(({ id }) => id === 'bad')) return Promise.reject(Object.assign(new Error('no JSON'), { code: '22P02' }));
    written.push(...rows);
    return Promise.resolve();
  };
  const bodies = createBodies({ config: config as unknown as App['config'], clock, log, write });
  return { clock, written, warnings, state, bodies };
}

const said = (id: string, parts: Partial<Said> = {}): Said => ({
  id,
  atMs: 1.7e12,
  projectId: 'default',
  outcome: 'ok',
  request: { messages: [{ role: 'user', content: 'I am ada@example.com' }], stream: false },
  answer: { text: 'Hello ada@example.com' },
  ...parts,
});

test('what was said is written a moment later, redacted', async () => {
  const { clock, written, bodies } = world();
  bodies.keep(said('a'));
  bodies.keep(said('b', { answer: null }));
  expect(written).toEqual([]);
  await clock.advance(1000);
  expect(written.map(({ id, request, response }) => [id, request, response])).toEqual([
    ['a', '{"messages":[{"role":"user","content":"I am [email]"}],"stream":false}', '{"text":"Hello [email]"}'],
    ['b', '{"messages":[{"role":"user","content":"I am [email]"}],"stream":false}', null],
  ]);
});

test.each([
  ['all', ['ok', 'failed', 'left']],
  ['errors', ['failed']],
  ['off', []],
] as const)('keep_bodies: %s keeps %j', async (keep, kept) => {
  const { clock, written, bodies } = world({ keep_bodies: keep });
  for (const outcome of ['ok', 'failed', 'left'] as const) bodies.keep(said(outcome, { outcome }));
  await clock.advance(1000);
  expect(written.map(({ id }) => id)).toEqual([...kept]);
});

test('a change of the patterns counts for what is written after it', async () => {
  const { clock, written, bodies, state } = world();
  Object.assign(state, { version: 2, redact: [] });
  bodies.keep(said('a'));
  await clock.advance(1000);
  expect(written[0]?.response).toContain('ada@example.com');
});

test('with the database away it waits, bounded, and says what was missed', async () => {
  const { clock, written, warnings, bodies, state } = world();
  state.away = true;
  const long = 'x'.repeat(1_000_000);
  for (let index = 0; index < 40; index++) bodies.keep(said(`long_${index}`, { answer: { text: long } }));
  await clock.advance(1000);
  expect(written).toEqual([]);
  state.away = false;
  await clock.advance(10_000);
  expect(written.length).toBe(31);
  expect(warnings.at(-1)).toContain('were not kept');
});

test('the end writes what still waits', async () => {
  const { written, bodies, state } = world();
  bodies.keep(said('a'));
  expect(await bodies.close()).toBe(true);
  expect(written).toHaveLength(1);
  state.away = true;
  bodies.keep(said('b'));
  expect(await bodies.close()).toBe(false);
});

test('what the database cannot take stands in nobody else’s way', async () => {
  const { clock, written, warnings, bodies } = world();
  bodies.keep(said('bad'));
  await clock.advance(1000);
  bodies.keep(said('a'));
  await clock.advance(1000);
  expect(written.map(({ id }) => id)).toEqual(['a']);
  expect(warnings).toEqual(['bodies of calls could not be kept']);
});
