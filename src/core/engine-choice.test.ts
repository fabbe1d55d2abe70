import { describe, expect, test } from 'bun:test';
import { type BatchPlace, chooseEngine } from './engine-choice.ts';
import type { Price } from './provider.ts';

const price = (more: Partial<Price> = {}): Price => ({ inputNanoUsd: 100, outputNanoUsd: 400, asOf: null, source: '', ...more });
const HALF = price({ batch: { inputNanoUsd: 50, outputNanoUsd: 200 } });
const place = (more: Partial<BatchPlace> = {}): BatchPlace => ({ model: 'm', provider: 'p', hasBatches: true, price: HALF, ...more });
const CHAT = '/v1/chat/completions';

describe('auto', () => {
  test.each([
    ['half', [place()], 'provider_batch', 'The batches of p cost half, and every request can go there.'],
    [
      'another part',
      [place({ price: price({ batch: { inputNanoUsd: 60, outputNanoUsd: 240 } }) })],
      'provider_batch',
      'The batches of p cost 40 % less, and every request can go there.',
    ],
    [
      'several parts at several providers',
      [place(), place({ provider: 'q', price: price({ batch: { inputNanoUsd: 60, outputNanoUsd: 240 } }) })],
      'provider_batch',
      'The batches of p and q cost less, and every request can go there.',
    ],
    ['no less', [place(), place({ model: 'n', price: price() })], 'direct', 'A batch costs no less for n, and answers later.'],
    ['nothing either way', [place({ price: price({ inputNanoUsd: 0, outputNanoUsd: 0 }) })], 'direct', 'A batch costs no less for m, and answers later.'],
    ['none at one of them', [place(), place({ provider: 'q', model: 'n', hasBatches: false })], 'direct', 'q has no batches for n.'],
    ['nobody knows', [], 'direct', 'No request of this job can be asked as it stands, so none can go to a batch.'],
  ] as const)('where batches cost %s', (_, places, engine, reason) => {
    expect(chooseEngine('auto', CHAT, places)).toEqual({ engine, reason });
  });

  test('never sends moderations to a batch', () => {
    expect(chooseEngine('auto', '/v1/moderations', [place()])).toEqual({ engine: 'direct', reason: 'Moderations go to no batch.' });
  });
});

test('what was asked for is done, dearer or not, and refused where it cannot be', () => {
  expect(chooseEngine('direct', CHAT, [place()])).toEqual({ engine: 'direct', reason: 'It was asked for.' });
  expect(chooseEngine('provider_batch', CHAT, [place({ price: price() })])).toEqual({ engine: 'provider_batch', reason: 'It was asked for.' });
  expect(() => chooseEngine('provider_batch', CHAT, [place({ hasBatches: false })])).toThrow('p has no batches for m: let the engine be auto or direct');
});
