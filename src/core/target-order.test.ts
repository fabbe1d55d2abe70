import { describe, expect, test } from 'bun:test';
import { createFirstPieces } from './first-pieces.ts';
import type { Provider } from './provider.ts';
import type { Candidate, Plan } from './routing.ts';
import { type Asked, askedOf, assumedNanoUsd, type Measured, orderTargets, type TargetOrder } from './target-order.ts';

type Made = Partial<Pick<Candidate['facts'], 'contextTokens' | 'capabilities'>> & { readonly input?: number; readonly output?: number };

function candidate(id: string, { input = 1, output = 2, contextTokens = 1000, capabilities = ['chat'] }: Made = {}): Candidate {
  const provider: Provider = { id, origin: null, open: true, models: [] };
  const price = { inputNanoUsd: input, outputNanoUsd: output, asOf: null, source: '' };
  return { provider, model: 'm', facts: { id: 'm', contextTokens, outputTokensMax: 100, capabilities }, price, priceAssumed: false };
}

type World = Partial<Omit<Plan, 'targets' | 'all'>> & {
  readonly targets: readonly (Candidate | readonly [Candidate, number])[];
  readonly asked?: Partial<Asked>;
  readonly draw?: number;
  readonly before?: string;
  readonly measured?: Readonly<Record<string, Partial<Measured>>>;
};

function ordered({ targets, asked, draw = 0, before, measured = {}, strategy = 'ordered', ...plan }: World): TargetOrder {
  const weighted = targets.map((each) => ('provider' in each ? { candidate: each, weight: 1 } : { candidate: each[0], weight: each[1] }));
  return orderTargets({
    plan: { sticky: false, fallbacks: [], ...plan, strategy, targets: weighted },
    asked: { inputTokens: 10, maxTokens: undefined, capabilities: [], ...asked },
    draw,
    before: before ?? null,
    measured: ({ provider }) => ({ firstPieceMs: null, inFlight: 0, ...measured[provider.id] }),
  });
}

function told(order: TargetOrder): string[] {
  return [
    ...order.order.map((each) => `${each.candidate.provider.id} ${each.reason}`),
    ...order.leftOut.map((each) => `-${each.candidate.provider.id} ${each.lacks}`),
  ];
}

const [a, b, c] = [candidate('a'), candidate('b'), candidate('c')];

describe('the targets of an alias', () => {
  test('stand as they stand, with the fallbacks behind them', () => {
    expect(told(ordered({ targets: [a, b], fallbacks: [c] }))).toEqual(['a order', 'b order', 'c fallback']);
    expect(told(ordered({ targets: [a] }))).toEqual(['a only']);
  });

  test('are drawn by weight, and the others follow by theirs', () => {
    const targets = [
      [a, 1],
      [b, 2],
      [c, 7],
    ] as const;
    const firsts = Array.from({ length: 100 }, (_, index) => told(ordered({ strategy: 'weighted', targets, draw: index / 100 }))[0]);
    expect(['a drawn', 'b drawn', 'c drawn'].map((name) => firsts.filter((first) => first === name).length)).toEqual([10, 20, 70]);
    expect(told(ordered({ strategy: 'weighted', targets, draw: 0.2 }))).toEqual(['b drawn', 'c weight', 'a weight']);
  });

  test('stand by what this call costs, which is not the same for a long prompt and a long answer', () => {
    const targets = [candidate('dear-input', { input: 10, output: 1 }), candidate('dear-output', { input: 1, output: 10 })];
    expect(told(ordered({ strategy: 'cheapest', targets, asked: { inputTokens: 900, maxTokens: 10 } }))).toEqual(['dear-output price', 'dear-input price']);
    expect(told(ordered({ strategy: 'cheapest', targets, asked: { inputTokens: 10 } }))).toEqual(['dear-input price', 'dear-output price']);
    expect(targets.map((each) => assumedNanoUsd(each, { inputTokens: 10, maxTokens: undefined, capabilities: [] }))).toEqual([600, 5010]);
  });

  test('stand by how soon they answered; one that nobody has measured is tried by one call at a time', () => {
    const targets = [a, b, c];
    const measured = { a: { firstPieceMs: 300 }, b: { firstPieceMs: 200 } };
    expect(told(ordered({ strategy: 'fastest', targets, measured }))).toEqual(['c untried', 'b speed', 'a speed']);
    expect(told(ordered({ strategy: 'fastest', targets, measured: { ...measured, c: { inFlight: 1 } } }))).toEqual(['b speed', 'a speed', 'c unmeasured']);
    const busy = { a: { inFlight: 1 }, b: { inFlight: 1 }, c: { inFlight: 1 } };
    expect(told(ordered({ strategy: 'fastest', targets, measured: busy }))).toEqual(['a unmeasured', 'b unmeasured', 'c unmeasured']);
  });

  test('begin with the one where the session was, also when that is a fallback', () => {
    expect(told(ordered({ targets: [a, b], fallbacks: [c], before: 'b/m' }))).toEqual(['b session', 'a order', 'c fallback']);
    expect(told(ordered({ targets: [a, b], fallbacks: [c], before: 'c/m' }))).toEqual(['c session', 'a order', 'b order']);
    expect(told(ordered({ targets: [a, b], before: 'gone/m' }))).toEqual(['a order', 'b order']);
  });
});

describe('a target that cannot do what the call needs', () => {
  const able = candidate('able', { contextTokens: 200, capabilities: ['chat', 'tools'] });

  test('is left out where another can', () => {
    expect(told(ordered({ targets: [a, able], asked: { capabilities: ['tools'] } }))).toEqual(['able only', '-a tools']);
    expect(told(ordered({ targets: [able, a], fallbacks: [b], asked: { inputTokens: 150, maxTokens: 51 } }))).toEqual([
      'a order',
      'b fallback',
      '-able context',
    ]);
    expect(told(ordered({ targets: [able, a], asked: { inputTokens: 150, maxTokens: 50 } }))).toEqual(['able order', 'a order']);
    expect(told(ordered({ targets: [a], fallbacks: [able], asked: { capabilities: ['tools'] }, before: 'a/m' }))).toEqual(['able only', '-a tools']);
  });

  test('is asked all the same where none can', () => {
    expect(told(ordered({ targets: [a, able], asked: { inputTokens: 5000, capabilities: ['tools'] } }))).toEqual(['a order', 'able order']);
  });
});

test('what a request needs is told by what is in it', () => {
  const messages = [{ role: 'user', content: 'hello there' }] as const;
  expect(askedOf({ messages, stream: true })).toMatchObject({ maxTokens: undefined, capabilities: [] });
  expect(askedOf({ messages, stream: true }).inputTokens).toBeGreaterThan(7);
  const schema = { type: 'object' } as const;
  const all = askedOf({
    messages: [{ role: 'user', content: [{ type: 'image', url: 'https://a.example/b.png' }] }],
    tools: [{ name: 'look', parameters: schema }],
    output: { name: 'found', schema },
    maxTokens: 7,
    stream: false,
  });
  expect(all).toMatchObject({ maxTokens: 7, capabilities: ['tools', 'json_schema', 'images'] });
  expect(askedOf({ messages, tools: [], stream: false }).capabilities).toEqual([]);
});

test('the time to the first piece is the middle of the last 64, and of the last five minutes', () => {
  const times = createFirstPieces();
  expect(times.median(0)).toBeNull();
  for (const ms of [900, 100, 300]) times.add(ms, 1000);
  expect(times.median(1000)).toBe(300);
  for (let count = 0; count < 64; count++) times.add(50, 2000);
  expect([times.median(2000), times.median(301_999), times.median(302_000)]).toEqual([50, 50, null]);
});
