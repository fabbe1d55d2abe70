import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ModelEvent } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import {
  type Call,
  type EmbedAnswer,
  type EmbedRequest,
  type ModerateAnswer,
  type ModerateRequest,
  type Provider,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from '../core/provider.ts';
import { type EventStreamMessage, eventStream } from '../../test/aws-event-stream.ts';
import { BUILT_IN } from './built-in.ts';
import { buildProviders } from './index.ts';

/**
 * Every provider against every recording in fixtures/<id>/: what it sends, and what it makes of the answer, whole and cut into pieces of seven
 * bytes. A provider that goes to the network (`origin`) and has no recording fails; one that says it needs none must call none.
 */
type Recording = {
  readonly what: string;
  readonly exchanges: readonly { readonly sent: Sent; readonly answer: RecordedAnswer }[];
  /** How many of the last messages of a stream come after its end was said. */
  readonly afterEnd?: number;
  readonly outcome: Outcome;
} & (
  | { readonly operation: 'chat'; readonly request: ModelRequest }
  | { readonly operation: 'embed'; readonly request: EmbedRequest }
  | { readonly operation: 'moderate'; readonly request: ModerateRequest }
  | { readonly operation: 'check'; readonly request: null }
);

type Sent = { readonly method: string; readonly url: string; readonly body?: unknown };
/** Lines are joined by a line feed, the messages of an event stream of AWS are in its binary form; anything else is sent as JSON. */
type RecordedAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown };
type Outcome = {
  readonly events?: readonly ModelEvent[];
  readonly embeddings?: EmbedAnswer;
  readonly moderation?: ModerateAnswer;
  readonly fault?: { readonly fault: string; readonly message: string; readonly status: number | null; readonly retryAfterMs: number | null };
};

const KEY = 'sk-test-0123456789abcdef';
const FIXTURES = new URL('fixtures/', import.meta.url);

const PACKAGES = new Map<string, Readonly<Record<string, unknown>>>([
  ['@ai-sdk/amazon-bedrock', await import('@ai-sdk/amazon-bedrock')],
  ['@ai-sdk/cohere', await import('@ai-sdk/cohere')],
  ['@ai-sdk/google-vertex', await import('@ai-sdk/google-vertex')],
]);
const PEM = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } } as const;
const ACCOUNT = {
  client_email: 'sluice@our-project.iam.gserviceaccount.com',
  private_key: generateKeyPairSync('rsa', { modulusLength: 2048, ...PEM }).privateKey,
};
/** Who gives out tokens for that account answers this. */
const TOKEN = { status: 200, headers: { 'content-type': 'application/json' }, body: { access_token: 'ya29.token', expires_in: 3599, token_type: 'Bearer' } };

/** Whose upstreams are spoken to by packages. They remember nothing of their calls but a token. */
const BY_PACKAGE = buildProviders(
  {},
  {
    providers: {
      bedrock: { kind: 'ai-sdk', package: '@ai-sdk/amazon-bedrock', api_key: KEY, options: { region: 'eu-central-1' }, models: [] },
      vertex: {
        kind: 'ai-sdk',
        package: '@ai-sdk/google-vertex',
        options: { project: 'our-project', location: 'europe-west1', googleAuthOptions: { credentials: ACCOUNT } },
        models: [],
      },
      // Any other package: that of a vendor whose own form of chat is like no other.
      'ai-sdk': { kind: 'ai-sdk', package: '@ai-sdk/cohere', api_key: KEY, models: [] },
    },
  },
  PACKAGES,
);

function providers(): Map<string, Provider> {
  const own = buildProviders(Object.fromEntries(BUILT_IN.map(({ key }) => [key, KEY])), {
    providers: {
      'openai-compatible': {
        kind: 'openai-compatible',
        base_url: 'http://127.0.0.1:11434/v1/',
        headers: { 'X-Team': 'a-secret-of-the-team' },
        models: ['qwen3:8b', 'nomic-embed-text'],
        dialects: ['openai-chat', 'openai-responses'],
      },
    },
  });
  return new Map([...BY_PACKAGE, ...own]);
}

function provider(id: string): Provider {
  const found = providers().get(id);
  if (!found) throw new Error(`no provider ${id}`);
  return found;
}

function recordings(id: string): [name: string, recording: Recording][] {
  const names = readdirSync(new URL(`${id}/`, FIXTURES)).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => [name.slice(0, -5), JSON.parse(readFileSync(new URL(`${id}/${name}`, FIXTURES), 'utf8')) as Recording]);
}

function bytesOf({ headers, body }: RecordedAnswer): Uint8Array {
  if (headers['content-type'] === 'application/vnd.amazon.eventstream') return eventStream(body as readonly EventStreamMessage[]);
  const isLines = Array.isArray(body) && body.every((line) => typeof line === 'string');
  return new TextEncoder().encode(isLines ? body.join('\n') : JSON.stringify(body));
}

type Cut = (body: Uint8Array) => readonly Uint8Array[];
const CUTS: Record<string, Cut> = {
  whole: (body) => [body],
  'in pieces of seven bytes': (body) => Array.from({ length: Math.ceil(body.length / 7) }, (_, place) => body.subarray(place * 7, place * 7 + 7)),
};

/** An upstream that answers with these, in this order. */
function fakeCall(answers: readonly RecordedAnswer[], cut: Cut): { call: Call; requests: UpstreamRequest[] } {
  const requests: UpstreamRequest[] = [];
  const send = (request: UpstreamRequest): Promise<UpstreamResponse> => {
    const isForToken = new URL(request.url).origin === 'https://oauth2.googleapis.com';
    const answer = isForToken ? TOKEN : answers[requests.length];
    if (!isForToken) requests.push(request);
    if (!answer) throw new Error(`one request more than recorded: ${request.url}`);
    const pieces = cut(bytesOf(answer));
    return Promise.resolve({
      status: answer.status,
      headers: new Headers(answer.headers),
      text: () => new Response(new Blob(pieces as Uint8Array<ArrayBuffer>[])).text(),
      async *chunks() {
        for (const piece of pieces) yield await Promise.resolve(piece);
      },
    });
  };
  const call: Call = { send, signal: new AbortController().signal, requestId: 'req_1', random: () => 0.5, sleep: () => Promise.resolve() };
  return { call, requests };
}

async function run(upstream: Provider, recording: Recording, call: Call): Promise<Outcome> {
  const events: ModelEvent[] = [];
  const said = (): Outcome => (recording.operation === 'chat' ? { events } : {});
  try {
    if (recording.operation === 'embed') return { embeddings: await required(upstream.embed)(recording.request, call) };
    if (recording.operation === 'moderate') return { moderation: await required(upstream.moderate)(recording.request, call) };
    if (recording.operation === 'check') {
      await required(upstream.check)(call);
      return {};
    }
    for await (const batch of required(upstream.chat)(recording.request, call)) {
      expect(batch.length).toBeGreaterThan(0);
      events.push(...batch);
    }
    return said();
  } catch (cause) {
    if (!(cause instanceof UpstreamError)) throw cause;
    const { fault, words, message, status, retryAfterMs } = cause;
    return { ...said(), fault: { fault, message: words ?? message, status, retryAfterMs } };
  }
}

/** How much of a body says its end. */
function neededBytes({ exchanges, afterEnd = 0 }: Recording, body: Uint8Array): number {
  const last = exchanges.at(-1)?.answer;
  if (afterEnd > 0 && last) return bytesOf({ ...last, body: (last.body as readonly unknown[]).slice(0, -afterEnd) }).length;
  // The event is complete with the CR of a last CRLF.
  return body.at(-2) === 13 ? body.length - 1 : body.length;
}

function required<T>(operation: T | undefined): T {
  if (operation === undefined) throw new Error('a recording of something that the provider does not do');
  return operation;
}

function sentOf({ method, url, body }: UpstreamRequest): Sent {
  return { method, url, ...(body === undefined ? {} : { body: JSON.parse(body) as unknown }) };
}

for (const { id, origin } of providers().values()) {
  if (origin === null) {
    test(`${id} needs no network, and calls none`, async () => {
      const { call, requests } = fakeCall([], (body) => [body]);
      const upstream = provider(id);
      const request: ModelRequest = { model: upstream.models[0]?.id ?? id, messages: [{ role: 'user', content: 'Hello' }], stream: true };
      if (upstream.chat) for await (const batch of upstream.chat(request, call)) expect(batch.length).toBeGreaterThan(0);
      if (upstream.embed) await upstream.embed({ model: request.model, texts: ['Hello'] }, call);
      expect(requests).toEqual([]);
    });
    continue;
  }

  describe(id, () => {
    test('has recordings of all that it does', () => {
      const upstream = provider(id);
      const recorded = new Set(recordings(id).map(([, recording]) => recording.operation));
      const does = (['chat', 'check', 'embed', 'moderate'] as const).filter((operation) => upstream[operation]);
      // Every server of OpenAI's dialect may be asked to moderate; that it does is only known of one with a model for it.
      const moderates = upstream.models.some(({ capabilities }) => capabilities.includes('moderation'));
      expect([...recorded].toSorted()).toEqual(does.filter((operation) => operation !== 'moderate' || moderates));
    });

    for (const [name, recording] of recordings(id)) {
      const answers = recording.exchanges.map(({ answer }) => answer);

      for (const [how, cut] of Object.entries(CUTS)) {
        test(`${name}, ${how}: ${recording.what}`, async () => {
          const { call, requests } = fakeCall(answers, cut);
          const outcome = await run(provider(id), recording, call);
          expect(requests.map(sentOf)).toEqual(recording.exchanges.map(({ sent }) => sent));
          expect(outcome).toEqual(recording.outcome);
          expect(JSON.stringify(outcome)).not.toContain(KEY);
          for (const request of requests) expect(new URL(request.url).origin).toBe(origin);
        });
      }

      const isWhole = recording.outcome.events?.at(-1)?.type === 'end';
      if (isWhole) {
        test(`${name}, cut off anywhere: never an end that was not said`, async () => {
          const body = bytesOf(answers.at(-1) as RecordedAnswer);
          const needed = neededBytes(recording, body);
          // What a package reads takes a hundred times as long.
          const step = BY_PACKAGE.has(id) ? 5 : 1;
          for (let at = 0; at < needed; at += step) {
            const isLast = (piece: Uint8Array): boolean => piece.length === body.length;
            const { call } = fakeCall(answers, (piece) => (isLast(piece) ? [piece.subarray(0, at)] : [piece]));
            const outcome = await run(provider(id), recording, call);
            const types = outcome.events?.map((event) => event.type);
            expect({ at, fault: outcome.fault?.fault, ended: types?.includes('end') }).toEqual({ at, fault: 'broken', ended: false });
          }
        });
      }
    }
  });
}
