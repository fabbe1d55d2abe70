import { afterAll, describe, expect, test } from 'bun:test';
import * as googleVertex from '@ai-sdk/google-vertex';
import * as googleVertexAnthropic from '@ai-sdk/google-vertex/anthropic';
import * as amazonBedrock from '@ai-sdk/amazon-bedrock';
import { createHash, createHmac, createVerify, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigFile } from '../contract/config-file.ts';
import { Canceller } from '../core/cancellation.ts';
import { type Call, type Provider, UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../core/provider.ts';
import { buildProviders } from './index.ts';

/** How packages sign in: with tokens of Google's, and with the signatures of AWS. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-vertex-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PACKAGES = new Map<string, Readonly<Record<string, unknown>>>([
  ['@ai-sdk/google-vertex', googleVertex],
  ['@ai-sdk/google-vertex/anthropic', googleVertexAnthropic],
  ['@ai-sdk/amazon-bedrock', amazonBedrock],
]);

type Entry = ConfigFile['providers'][string];
function built(entry: Omit<Entry, 'kind' | 'models'>): Provider {
  const provider = buildProviders({}, { providers: { it: { kind: 'ai-sdk', models: [], ...entry } } }, PACKAGES).get('it');
  if (!provider) throw new Error('there is one');
  return provider;
}

type Answer = { readonly status?: number; readonly body: unknown };
function calling(answer: (request: UpstreamRequest) => Answer | Promise<Answer>): {
  readonly call: Call;
  readonly requests: UpstreamRequest[];
  readonly signal: Canceller;
} {
  const requests: UpstreamRequest[] = [];
  const signal = new Canceller();
  const send = async (request: UpstreamRequest): Promise<UpstreamResponse> => {
    requests.push(request);
    request.signal.throwIfAborted();
    const { status = 200, body } = await answer(request);
    const text = JSON.stringify(body);
    return {
      status,
      headers: new Headers({ 'content-type': 'application/json' }),
      text: () => Promise.resolve(text),
      async *chunks() {
        yield await Promise.resolve(new TextEncoder().encode(text));
      },
    };
  };
  return { call: { send, signal, requestId: 'req_1', random: () => 0.5, sleep: () => Promise.resolve() }, requests, signal };
}

async function ask(provider: Provider, call: Call, model: string): Promise<string> {
  let said = '';
  for await (const batch of provider.chat?.({ model, messages: [{ role: 'user', content: 'Hello ä' }], stream: false }, call) ?? []) {
    for (const event of batch) if (event.type === 'text-delta') said += event.text;
  }
  return said;
}

async function failure(work: Promise<unknown>): Promise<UpstreamError> {
  const cause = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(cause instanceof UpstreamError)) throw new Error('it should have failed', { cause });
  return cause;
}

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const keyFile = join(folder, 'account.json');
const EMAIL = 'sluice@our-project.iam.gserviceaccount.com';
writeFileSync(keyFile, JSON.stringify({ type: 'service_account', project_id: 'our-project', client_email: EMAIL, private_key: privateKey }));

const TOKENS = 'https://oauth2.googleapis.com';
const GEMINI = { candidates: [{ content: { role: 'model', parts: [{ text: 'Hallo.' }] }, finishReason: 'STOP' }] };
const vertex = (): Provider =>
  built({ package: '@ai-sdk/google-vertex', options: { project: 'our-project', location: 'global', googleAuthOptions: { keyFile } } });

describe('Vertex by the key file of a service account', () => {
  test('asks for one token by the way of every call, signed by the key, and uses it for all of them', async () => {
    const provider = vertex();
    expect([provider.origin, provider.asideOrigins]).toEqual(['https://aiplatform.googleapis.com', [TOKENS]]);
    const { call, requests } = calling(({ url }) => ({ body: url.startsWith(TOKENS) ? { access_token: 'ya29.one', expires_in: 3599 } : GEMINI }));
    expect([await ask(provider, call, 'gemini-2.5-pro'), await ask(provider, call, 'gemini-2.5-pro')]).toEqual(['Hallo.', 'Hallo.']);
    expect(requests.map(({ url }) => new URL(url).origin)).toEqual([TOKENS, 'https://aiplatform.googleapis.com', 'https://aiplatform.googleapis.com']);
    expect(requests.slice(1).map(({ headers }) => headers['authorization'])).toEqual(['Bearer ya29.one', 'Bearer ya29.one']);
    expect(requests[1]?.url).toBe(
      'https://aiplatform.googleapis.com/v1beta1/projects/our-project/locations/global/publishers/google/models/gemini-2.5-pro:generateContent',
    );
    const asked = new URLSearchParams(requests[0]?.body);
    expect(asked.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [head = '', claims = '', signature = ''] = asked.get('assertion')?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iss: EMAIL, scope: 'https://www.googleapis.com/auth/cloud-platform' });
    expect(createVerify('sha256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(true);
  });

  test('reaches Claude by the same account', async () => {
    const options = { project: 'our-project', location: 'europe-west1', googleAuthOptions: { keyFile } };
    const said = {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      model: 'claude-sonnet-4-5',
      content: [{ type: 'text', text: 'Hallo.' }],
      stop_reason: 'end_turn',
    };
    const body = { ...said, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } };
    const { call, requests } = calling(({ url }) => ({ body: url.startsWith(TOKENS) ? { access_token: 'ya29.one', expires_in: 3599 } : body }));
    expect(await ask(built({ package: '@ai-sdk/google-vertex/anthropic', options }), call, 'claude-sonnet-4-5@20250929')).toBe('Hallo.');
    expect(requests[1]).toMatchObject({
      url: 'https://europe-west1-aiplatform.googleapis.com/v1/projects/our-project/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
      headers: { authorization: 'Bearer ya29.one' },
    });
  });

  test('that Google does not know is a bad key of ours', async () => {
    const { call, requests } = calling(() => ({ status: 400, body: { error: 'invalid_grant', error_description: 'Invalid grant: account not found' } }));
    const { fault, status, message } = await failure(ask(vertex(), call, 'gemini-2.5-pro'));
    expect([fault, status, message]).toEqual(['unauthorized', 400, `${TOKENS}, which the package needs, answered 400.`]);
    expect(requests).toHaveLength(1);
  });

  test('whose file is not there is one too', async () => {
    const { call, requests } = calling(() => ({ body: {} }));
    const provider = built({
      package: '@ai-sdk/google-vertex',
      options: { project: 'p', location: 'global', googleAuthOptions: { keyFile: join(folder, 'none.json') } },
    });
    const { fault, message } = await failure(ask(provider, call, 'gemini-2.5-pro'));
    expect([fault, requests.length]).toEqual(['unauthorized', 0]);
    expect(message).toContain('none.json');
  });

  test('gets its token even when the caller leaves for whom it was asked, since others wait for it', async () => {
    const provider = vertex();
    const token = Promise.withResolvers<Answer>();
    const begun = Promise.withResolvers<void>();
    const first = calling(({ url }) => {
      begun.resolve();
      return url.startsWith(TOKENS) ? token.promise : { body: GEMINI };
    });
    const second = calling(() => ({ body: GEMINI }));
    const left = failure(ask(provider, first.call, 'gemini-2.5-pro'));
    const stays = ask(provider, second.call, 'gemini-2.5-pro');
    await begun.promise;
    const reason = new UpstreamError('timeout', 'the caller is gone');
    first.signal.abort(reason);
    expect(first.requests[0]?.signal.aborted).toBe(false);
    token.resolve({ body: { access_token: 'ya29.two', expires_in: 3599 } });
    expect([await left, await stays]).toEqual([reason, 'Hallo.']);
    expect(second.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer ya29.two']);
  });
});

const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('Bedrock', () => {
  test('by keys of AWS is asked with the signature that AWS would make of the request', async () => {
    const options = { region: 'eu-central-1', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'a-secret-of-aws', sessionToken: 'a-session-of-aws' };
    const { call, requests } = calling(() => ({
      body: {
        output: { message: { role: 'assistant', content: [{ text: 'Hallo.' }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      },
    }));
    expect(await ask(built({ package: '@ai-sdk/amazon-bedrock', options }), call, 'amazon.nova-lite-v1:0')).toBe('Hallo.');
    const { url = '', headers = {}, body = '' } = requests[0] ?? {};
    const [, signed = '', signature = ''] = /SignedHeaders=([^,]+), Signature=(\w+)$/.exec(headers['authorization'] ?? '') ?? [];
    expect(headers['x-amz-security-token']).toBe('a-session-of-aws');
    const values = signed.split(';').map((name) => `${name}:${name === 'host' ? new URL(url).host : headers[name]}\n`);
    // Each part of the path is encoded once more than in the address.
    const path = new URL(url).pathname.split('/').map(encodeURIComponent).join('/');
    const canonical = ['POST', path, '', values.join(''), signed, sha256(body)].join('\n');
    const time = headers['x-amz-date'] ?? '';
    const scope = `${time.slice(0, 8)}/eu-central-1/bedrock/aws4_request`;
    const key = scope.split('/').reduce<Buffer | string>((secret, part) => hmac(secret, part), `AWS4${options.secretAccessKey}`);
    expect(signature).toBe(hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex'));
  });

  test('by a key of its own is asked with that key', async () => {
    const { call, requests } = calling(() => ({ status: 403, body: { message: 'The key bedrock-0123456789 is not active.' } }));
    const { fault, words } = await failure(
      ask(built({ package: '@ai-sdk/amazon-bedrock', api_key: 'bedrock-0123456789', options: { region: 'us-east-1' } }), call, 'm'),
    );
    expect(requests[0]?.headers['authorization']).toBe('Bearer bedrock-0123456789');
    expect([fault, words]).toEqual(['unauthorized', 'The key [key] is not active.']);
  });

  test('without any key says which it misses, and asks nobody', async () => {
    const { call, requests } = calling(() => ({ body: {} }));
    const { fault, message } = await failure(ask(built({ package: '@ai-sdk/amazon-bedrock', options: { region: 'us-east-1' } }), call, 'm'));
    expect([fault, requests.length]).toEqual(['unauthorized', 0]);
    expect(message).toContain('accessKeyId');
  });
});
