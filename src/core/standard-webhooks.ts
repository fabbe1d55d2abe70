import { createHmac } from 'node:crypto';

/** Webhooks as standardwebhooks.com has them, which official SDKs verify: how they are signed, and when they are tried again. */
const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES = { min: 24, max: 64 };

/** The bytes of a secret as people see it, `whsec_` and base64; null where it is none, or too weak to be one. */
export function readWebhookSecret(text: string): Buffer | null {
  const encoded = text.slice(SECRET_PREFIX.length);
  if (!text.startsWith(SECRET_PREFIX) || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length >= SECRET_BYTES.min && bytes.length <= SECRET_BYTES.max ? bytes : null;
}

export function showWebhookSecret(bytes: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(bytes).toString('base64')}`;
}

export type WebhookMessage = { readonly id: string; readonly atS: number; readonly body: string };

/** One signature for each secret that counts: two while a secret is changed for another. */
export function webhookHeaders({ id, atS, body }: WebhookMessage, secrets: readonly Uint8Array[]): Record<string, string> {
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(`${id}.${atS}.${body}`).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(atS), 'webhook-signature': signatures.join(' ') };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** After each try but the last; together three days and three and a half hours. */
const WAITS_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
const JITTER = 0.2;
/** Nobody asks us to wait for longer than this. */
const WAIT_MS_MAX = 24 * HOUR;

/** How long to wait after this many tries, the receiver's own wish included; null where that was the last. */
export function webhookWaitMs(tries: number, { random, retryAfterMs }: { readonly random: number; readonly retryAfterMs: number | null }): number | null {
  const wait = WAITS_MS[tries - 1];
  if (wait === undefined) return null;
  const spread = Math.round(wait * (1 - JITTER + 2 * JITTER * random));
  return Math.min(WAIT_MS_MAX * (1 + JITTER), Math.max(spread, retryAfterMs ?? 0));
}
