import { type App, EVERY_PROJECT } from '../../app.ts';
import type { DeliveryAttempt } from '../../contract/webhooks.ts';
import { UpstreamError } from '../../core/provider.ts';
import { retryAfterMs } from '../../core/retry-after.ts';
import { webhookHeaders, webhookWaitMs } from '../../core/standard-webhooks.ts';
import { openSecrets, projectSecret } from './secret.ts';
import { claimDeliveries, type ClaimedDelivery, disableEndpoint, insertDeliveries, markSpread, secretsOf, takeEvents, together, writeTry } from './store.ts';

type Needs = Pick<App, 'inProject' | 'clock' | 'random' | 'newId' | 'log' | 'secrets' | 'sendOutside'>;

const EVENTS_AT_ONCE = 100;
const TRIES_AT_ONCE = 64;
const TRIES_AT_ONE_ADDRESS = 8;
/** For a receiver to take an event and answer. */
const TRY_MS = 20_000;
/** A process that died over a try is believed to live for this long. */
const CLAIM_MS = 60_000;
const CLOSE_MAX_MS = 2000;
const ANSWER_CHARS_KEPT = 500;
const GONE = 410;

/**
 * Tells whoever wants to know. What happened stands in the database, and so does who was told: any number of processes may run it at once,
 * and one that dies over a try leaves it to the next. So a receiver may hear of an event twice, under the same id, and never not at all.
 */
export type Deliveries = {
  /** One look: what happened is spread over its receivers, and what is due is begun, as far as there is room. */
  readonly look: () => Promise<void>;
  /** Begins no more, and waits a moment for what is under way. What is not over by then is tried again by somebody else. */
  readonly close: () => Promise<void>;
};

export function createDeliveries(needs: Needs): Deliveries {
  const underWay = new Map<Promise<void>, string>();
  let looking: Promise<void> | null = null;
  let isClosed = false;

  const look = (): Promise<void> => {
    if (isClosed) return Promise.resolve();
    looking ??= lookOnce().finally(() => {
      looking = null;
    });
    return looking;
  };

  async function lookOnce(): Promise<void> {
    try {
      await spread(needs);
      const free = TRIES_AT_ONCE - underWay.size;
      if (free === 0) return;
      const nowMs = needs.clock.now();
      const places = { most: free, busy: tooBusy([...underWay.values()]), eachMost: TRIES_AT_ONE_ADDRESS };
      const claiming = { now: new Date(nowMs), until: new Date(nowMs + CLAIM_MS), ...places };
      for (const delivery of await needs.inProject(EVERY_PROJECT, (db) => claimDeliveries(db, claiming))) begin(delivery);
    } catch (cause) {
      needs.log.debug('webhooks could not be looked for, and are in a moment', { reason: String(cause) });
    }
  }

  function begin(delivery: ClaimedDelivery): void {
    const trying = tryOnce(needs, delivery)
      .catch((cause: unknown) => needs.log.warning('what came of a webhook could not be written, and it is tried again', { reason: String(cause) }))
      .finally(() => {
        underWay.delete(trying);
        // There is room again.
        void look();
      });
    underWay.set(trying, delivery.url);
  }

  return {
    look,
    async close() {
      isClosed = true;
      await looking;
      await Promise.race([Promise.all(underWay.keys()), needs.clock.sleep(CLOSE_MAX_MS)]);
    },
  };
}

function tooBusy(urls: readonly string[]): readonly string[] {
  return [...new Set(urls)].filter((url) => urls.filter((each) => each === url).length >= TRIES_AT_ONE_ADDRESS);
}

/** Of each event that happened, one delivery for everybody who wants to know. */
async function spread({ inProject, clock, newId }: Needs): Promise<void> {
  await inProject(EVERY_PROJECT, (all) =>
    together(all, async (db) => {
      const { events, endpoints } = await takeEvents(db, EVENTS_AT_ONCE);
      const at = new Date(clock.now());
      const deliveries = events.flatMap((event) => {
        const wanting = endpoints.filter(
          ({ project_id: projectId, events: wanted }) => projectId === event.project_id && (wanted?.includes(event.type) ?? true),
        );
        const receivers = wanting.map(({ id, url }): { id: string | null; url: string } => ({ id, url }));
        if (event.url !== null) receivers.push({ id: null, url: event.url });
        return receivers.map(({ id, url }) => ({
          id: newId('whd'),
          project_id: event.project_id,
          event_id: event.id,
          endpoint_id: id,
          url,
          next_try_at: at,
          created_at: at,
        }));
      });
      await insertDeliveries(db, deliveries);
      const ids = events.map((event) => event.id);
      await markSpread(db, ids, at);
    }),
  );
}

async function tryOnce(needs: Needs, delivery: ClaimedDelivery): Promise<void> {
  const { clock, inProject } = needs;
  const startedAt = clock.monotonic();
  const atMs = clock.now();
  const heard = await send(needs, delivery).catch((cause: unknown) => ({ status: statusOf(cause), error: wordsOf(cause), answer: null, retryAfterMs: null }));
  const isTaken = heard.error === null && heard.status !== null && heard.status < 300;
  const isGone = heard.status === GONE;
  const waitMs = isTaken || isGone ? null : webhookWaitMs(delivery.tries, { random: needs.random(), retryAfterMs: heard.retryAfterMs });
  const attempt: DeliveryAttempt = {
    at: new Date(atMs).toISOString(),
    status: heard.status,
    error: heard.error,
    duration_ms: Math.round(clock.monotonic() - startedAt),
    answer: heard.answer,
  };
  const nowMs = clock.now();
  await inProject(EVERY_PROJECT, async (db) => {
    await writeTry(db, {
      id: delivery.id,
      tries: delivery.tries,
      attempt,
      state: isTaken ? 'delivered' : waitMs === null ? 'failed' : 'waiting',
      nextTryAt: new Date(nowMs + (waitMs ?? 0)),
      now: new Date(nowMs),
    });
    if (isGone && delivery.endpoint_id !== null) {
      await disableEndpoint(db, delivery.endpoint_id, { at: new Date(nowMs), reason: 'it answered 410: that it is gone' });
    }
  });
}

type Heard = Pick<DeliveryAttempt, 'status' | 'error' | 'answer'> & { readonly retryAfterMs: number | null };

async function send(needs: Needs, delivery: ClaimedDelivery): Promise<Heard> {
  const { clock, sendOutside } = needs;
  const { url, event_id: id, type, subject_id: subjectId, created_at: createdAt } = delivery;
  const secrets = await signingSecrets(needs, delivery);
  const body = JSON.stringify({ id, object: 'event', created_at: Math.floor(createdAt.getTime() / 1000), type, data: { id: subjectId } });
  const signed = webhookHeaders({ id, atS: Math.floor(clock.now() / 1000), body }, secrets);
  const headers = { 'content-type': 'application/json', 'user-agent': 'Sluice-Webhooks', ...signed };
  const { status, headers: answered, text } = await sendOutside({ url, headers, body, limitMs: TRY_MS });
  const error = status < 300 ? null : `it answered ${status}`;
  return { status, error, answer: text.slice(0, ANSWER_CHARS_KEPT) || null, retryAfterMs: retryAfterMs(answered) };
}

async function signingSecrets(needs: Needs, { endpoint_id: endpointId, project_id: projectId }: ClaimedDelivery): Promise<readonly Uint8Array[]> {
  if (endpointId === null) return [projectSecret(needs, projectId)];
  const kept = await needs.inProject(EVERY_PROJECT, (db) => secretsOf(db, endpointId));
  if (!kept || kept.disabled_at !== null) throw new Error('the endpoint is disabled');
  const secrets = openSecrets(needs, kept, needs.clock.now());
  if (secrets.length === 0) throw new Error('JWT_SECRET has changed since the secret was made; rotate the secret of this webhook');
  return secrets;
}

function statusOf(cause: unknown): number | null {
  return cause instanceof UpstreamError ? cause.status : null;
}

function wordsOf(cause: unknown): string {
  if (cause instanceof UpstreamError && cause.status !== null) return `it redirected with ${cause.status}, which is not followed`;
  return cause instanceof Error ? cause.message : String(cause);
}
