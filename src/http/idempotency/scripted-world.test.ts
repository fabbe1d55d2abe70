import { manualClock } from '../../../test/manual-clock.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import { callIds } from '../../core/call-ids.ts';
import { type Claim, createIdempotency, type GivenAnswer, type KeptAnswers } from '../idempotency.ts';
import type { Exchange, Reply } from '../route.ts';

/**
 * What the tests of this folder stand on: a database that is a map, and callers. It has no test of its own, and is named like one so that
 * everything that leaves tests out leaves this out.
 */
const quiet = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined };
const AWAY = new AppError('SERVICE_UNAVAILABLE', { message: 'The database is away' });
export const MEMBER = {
  kind: 'user',
  projectId: 'default',
  userId: 'usr_1',
  username: 'ada',
  role: 'member',
  sessionId: 'ses_1',
  limits: [],
  budgets: [],
} as const satisfies Principal;

type Row = { readonly fingerprint: string; readonly rootId: string; readonly at: number; answer: GivenAnswer | null; holder: string | null };

/** What the database does, in memory; `holder` is the process that works on a row, and `dead` those that are buried. */
function scriptedAnswers(rows: Map<string, Row>, processId = 'proc_1', dead: ReadonlySet<string> = new Set()) {
  const script = { isAway: false, said: [] as string[] };
  const statement = async (name: string): Promise<void> => {
    await Promise.resolve();
    script.said.push(name);
    if (script.isAway) throw AWAY;
  };
  const answers: KeptAnswers = {
    fingerprint: (text) => text,
    async claim(place, fingerprint, { rootId, at }): Promise<Claim> {
      await statement('claim');
      const row = rows.get(JSON.stringify(place));
      if (row && row.fingerprint !== fingerprint) return { kind: 'reused' };
      if (row?.answer) return { kind: 'kept', answer: row.answer };
      if (row && row.holder !== null && row.holder !== processId && !dead.has(row.holder)) return { kind: 'running' };
      const next = row ?? { fingerprint, rootId, at, answer: null, holder: null };
      rows.set(JSON.stringify(place), { ...next, holder: processId });
      return { kind: 'ours', ids: { rootId: next.rootId, at: next.at, again: row !== undefined } };
    },
    async keep(place, _rootId, answer) {
      await statement('keep');
      const row = rows.get(JSON.stringify(place));
      if (row?.holder !== processId) return false;
      Object.assign(row, { answer, holder: null });
      return true;
    },
    async giveUp(place, _rootId, how) {
      await statement(how);
      const row = rows.get(JSON.stringify(place));
      if (how === 'forgotten') rows.delete(JSON.stringify(place));
      else if (row) row.holder = null;
    },
  };
  return Object.assign(script, { answers });
}

export type Asking = { readonly key?: string; readonly prompt?: unknown; readonly as?: Principal; readonly address?: string; readonly signal?: AbortSignal };

export function world(shared: { readonly rows?: Map<string, Row>; readonly processId?: string; readonly dead?: ReadonlySet<string> } = {}) {
  const rows = shared.rows ?? new Map<string, Row>();
  const clock = manualClock();
  const script = scriptedAnswers(rows, shared.processId, shared.dead);
  const idempotency = createIdempotency({ clock, log: quiet }, script.answers);
  let asked = 0;
  const ask = (
    handle: (exchange: Exchange) => Promise<Reply> | Reply,
    { key = 'k', prompt = 'hi', as = MEMBER, address = '', signal }: Asking = {},
  ): Promise<Reply> => {
    const request = new Request('http://localhost/generate', { method: 'POST', ...(signal ? { signal } : {}) });
    asked += 1;
    const exchange: Exchange = {
      request,
      path: '/generate',
      route: '/generate',
      requestId: `req_${asked}`,
      ids: callIds(`call_${asked}`, clock.now()),
      principal: as,
      address,
      params: undefined,
      query: undefined,
      body: { prompt },
      signal: request.signal,
      outlive: () => () => undefined,
      deadline: clock.now() + 60_000,
      logFields: {},
    };
    return idempotency.answer({ header: key, exchange, queryText: '', sent: { prompt } }, handle);
  };
  return { rows, clock, script, ask };
}

export const says =
  (text: string): (() => Reply) =>
  () => ({ json: { text }, headers: { 'x-model': 'm', 'server-timing': 'queue;dur=1', 'x-ratelimit-remaining': '3' } });
export const breaks = (): never => {
  throw new AppError('INTERNAL_ERROR', { message: 'broken' });
};
export const never = (): never => {
  throw new Error('there was to be no work');
};

export async function thrown(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.catch((cause: unknown) => cause);
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${JSON.stringify(error)}`);
}

export const textOf = ({ text = '' }: Reply): string => (typeof text === 'string' ? text : new TextDecoder().decode(text));

export async function streamOf({ stream }: Reply): Promise<string> {
  let text = '';
  await stream?.({ write: (piece) => void (text += piece) });
  return text;
}
