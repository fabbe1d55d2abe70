import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import OpenAI from 'openai';
import { readWebhookSecret, showWebhookSecret, webhookHeaders, webhookWaitMs } from './standard-webhooks.ts';

const client = new OpenAI({ apiKey: 'none' });
const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const event = fc.record({ id: fc.string(), object: fc.constant('event'), type: fc.string(), data: fc.object() });
const nowS = (): number => Math.floor(Date.now() / 1000);

describe('a signed message', () => {
  test('is believed by the official SDK, with either secret while one is changed for the other', async () => {
    await fc.assert(
      fc.asyncProperty(event, bytes(24, 64), bytes(24, 64), async (said, secret, older) => {
        const body = JSON.stringify(said);
        const headers = webhookHeaders({ id: 'evt_1', atS: nowS(), body }, [secret, older]);
        const wanted = JSON.parse(body) as unknown;
        for (const each of [secret, older]) {
          const believed: unknown = await client.webhooks.unwrap(body, headers, showWebhookSecret(each));
          expect(believed).toEqual(wanted);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is not, with one bit of it changed, another id, another time or another secret', async () => {
    await fc.assert(
      fc.asyncProperty(event, bytes(24, 64), fc.nat(), async (said, secret, place) => {
        const body = Buffer.from(JSON.stringify(said));
        const headers = webhookHeaders({ id: 'evt_1', atS: nowS(), body: body.toString() }, [secret]);
        const verify = (text: string, shown: object, key: Uint8Array): Promise<string> =>
          client.webhooks.verifySignature(text, { ...headers, ...shown }, showWebhookSecret(key)).then(
            () => 'believed',
            () => 'refused',
          );
        const forged = Buffer.from(body);
        forged[place % forged.length] = (forged[place % forged.length] ?? 0) ^ 1;
        const other = Uint8Array.from(secret, (byte) => byte ^ 1);
        const tried = [verify(forged.toString('latin1'), {}, secret), verify(body.toString(), { 'webhook-id': 'evt_2' }, secret)];
        tried.push(verify(body.toString(), { 'webhook-timestamp': String(nowS() - 1) }, secret), verify(body.toString(), {}, other));
        expect(await Promise.all(tried)).toEqual(['refused', 'refused', 'refused', 'refused']);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a secret', () => {
  test('is read as it is shown', () => {
    fc.assert(fc.property(bytes(24, 64), (secret) => expect(readWebhookSecret(showWebhookSecret(secret))).toEqual(Buffer.from(secret))));
  });
  test.each([
    '',
    'whsec_',
    'whsec_AAAA',
    `whsec_${Buffer.alloc(23).toString('base64')}`,
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    'sk_live',
    'whsec_not base64!',
    Buffer.alloc(32).toString('base64'),
  ])('is never %p', (text) => expect(readWebhookSecret(text)).toBeNull());
});

const waits = (random: number) => Array.from({ length: 10 }, (_, index) => webhookWaitMs(index + 1, { random, retryAfterMs: null }));

describe('a message that was not taken', () => {
  test('is tried ten times over three days', () => {
    const all = waits(0.5);
    expect(all.at(-1)).toBeNull();
    expect(all.reduce<number>((sum, wait) => sum + (wait ?? 0), 0)).toBe(((75 * 60 + 35) * 60 + 5) * 1000);
  });
  test('is tried at times that differ by a fifth', () => {
    expect(waits(0)[0]).toBe(4000);
    expect(waits(1)[0]).toBe(6000);
  });
  test('waits for as long as the receiver asks, and no longer than a day', () => {
    expect(webhookWaitMs(1, { random: 0.5, retryAfterMs: 60_000 })).toBe(60_000);
    expect(webhookWaitMs(1, { random: 0.5, retryAfterMs: 1e12 })).toBe(1.2 * 86_400_000);
    expect(webhookWaitMs(10, { random: 0.5, retryAfterMs: 60_000 })).toBeNull();
  });
});
