import { expect, test } from 'bun:test';
import type { Provider } from '../core/provider.ts';
import type { Candidate } from '../core/routing.ts';
import { createAssumedPriceNote } from './assumed-price.ts';

const candidate = (model: string, priceAssumed: boolean): Candidate => ({
  provider: { id: 'a', origin: null, open: true, models: [] } satisfies Provider,
  model,
  facts: { id: model, contextTokens: 1000, outputTokensMax: 100, capabilities: ['chat'] },
  price: { inputNanoUsd: 2500, outputNanoUsd: 10_000, asOf: null, source: 'UNKNOWN_PRICE' },
  priceAssumed,
});

test('every call at an assumed price is marked, and the log tells of each model once', () => {
  const said: [string, unknown][] = [];
  const note = createAssumedPriceNote({ warning: (message, fields) => said.push([message, fields]) });
  const marks = [candidate('m', true), candidate('m', true), candidate('other', true), candidate('priced', false)].map((each) => {
    const logFields = {};
    note({ logFields }, each);
    return logFields;
  });
  expect(marks).toEqual([{ price_assumed: true }, { price_assumed: true }, { price_assumed: true }, {}]);
  expect(said.map(([, fields]) => fields)).toEqual([
    { model: 'a/m', usd_per_million: { input: 2.5, output: 10 } },
    { model: 'a/other', usd_per_million: { input: 2.5, output: 10 } },
  ]);
  expect(said[0]?.[0]).toContain('no price is known for a/m');
});
