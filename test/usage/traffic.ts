import type { StoredCall } from './call.ts';

/** Calls of a few weeks around the night in which the clocks of Los Angeles are put forward, the same in every run. */
export const FROM = '2026-02-27';
export const TO = '2026-03-12';
export const KEYS = ['key_ingest', 'key_nightly', 'key_gone'] as const;
export const USERS = ['usr_ada', 'usr_gone'] as const;
export const PROJECTS = ['default', 'prj_other'] as const;

const MODELS = [
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4o'],
  ['anthropic', 'claude-opus-4.5'],
] as const;
const OUTCOMES = ['ok', 'ok', 'ok', 'ok', 'left', 'cut', 'failed', 'lost'] as const;
const CACHE = ['MISS', 'MISS', 'HIT', 'BYPASS'] as const;

export function traffic(count: number): StoredCall[] {
  const next = numbers(20_260_308);
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(next() * values.length)] as Value;
  const whole = (most: number): number => Math.floor(next() * most);
  const [first, last] = [Date.parse(`${FROM}T00:00:00Z`), Date.parse(`${TO}T00:00:00Z`)];
  return Array.from({ length: count }, (_, index) => {
    const [provider, model] = pick(MODELS);
    const cache = pick(CACHE);
    const id = `call_${String(index).padStart(6, '0')}`;
    const costNanoUsd = whole(2_000_000_000);
    return {
      id,
      // To the quarter now and then, where a boundary would be off by one.
      at: index % 10 === 0 ? exact(first + whole((last - first) / 900_000) * 900_000, 0) : exact(first + whole(last - first), whole(1000)),
      request_id: `req_${index}`,
      root_id: id,
      project_id: pick(PROJECTS),
      user_id: pick([null, ...USERS]),
      key_id: pick([null, ...KEYS]),
      route: pick(['/generate', '/v1/chat/completions']),
      template_id: pick([null, 'summarize_v1']),
      job_id: pick([null, null, 'job_1']),
      asked_model: pick([null, 'fast']),
      provider,
      model,
      outcome: pick(OUTCOMES),
      error_code: null,
      cache,
      streamed: next() < 0.5,
      input_tokens: whole(5000),
      cached_input_tokens: whole(100),
      output_tokens: whole(900),
      reasoning_tokens: whole(50),
      max_tokens: 1000,
      estimated: next() < 0.1,
      cost_nano_usd: cache === 'HIT' ? 0 : costNanoUsd,
      saved_nano_usd: cache === 'HIT' ? costNanoUsd : 0,
      queue_ms: 0.5,
      first_piece_ms: 120,
      upstream_ms: 900,
      failures: null,
      request_hash: null,
    };
  });
}

/** To the microsecond, as Postgres keeps it and a Date does not. */
function exact(ms: number, micros: number): string {
  return new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

/** Uniform numbers below 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type Sums = Readonly<Record<(typeof SUMMED)[number], number>>;
export const SUMMED = [
  'calls',
  'failed_calls',
  'cached_calls',
  'estimated_calls',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'saved_nano_usd',
] as const;

/** What the service has to say of these calls, added up without it. */
export function sumsOf(calls: readonly StoredCall[]): Sums {
  const sum = (of: (call: StoredCall) => number): number => calls.reduce((total, call) => total + of(call), 0);
  return {
    calls: calls.length,
    failed_calls: sum(({ outcome }) => Number(outcome !== 'ok' && outcome !== 'left')),
    cached_calls: sum(({ cache }) => Number(cache === 'HIT')),
    estimated_calls: sum(({ estimated }) => Number(estimated)),
    input_tokens: sum((call) => call.input_tokens),
    cached_input_tokens: sum((call) => call.cached_input_tokens ?? 0),
    output_tokens: sum((call) => call.output_tokens),
    reasoning_tokens: sum((call) => call.reasoning_tokens ?? 0),
    cost_nano_usd: sum((call) => call.cost_nano_usd),
    saved_nano_usd: sum((call) => call.saved_nano_usd ?? 0),
  };
}

/** The day that a calendar there shows. */
export function dayIn(timeZone: string): (call: StoredCall) => string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return ({ at }) => format.format(new Date(at));
}
