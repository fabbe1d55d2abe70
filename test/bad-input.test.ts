import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { call, type Sluice, signIn, startSluice } from './harness.ts';

type Failed = {
  error: { code: string; message: string; status: number; field: string | null; details: { errors?: unknown[] } & Record<string, unknown>; request_id: string };
};

let sluice: Sluice;
let user: Record<string, string>;

beforeAll(async () => {
  sluice = await startSluice();
  user = await signIn(sluice.url);
});
afterAll(() => sluice.stop());

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (path: string, body: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
  call<Failed>(`${sluice.url}${path}`, { method: 'POST', body, headers: { ...user, ...headers } });

/** Whatever was sent, the process is alive and answers the next one. */
async function expectAlive(): Promise<void> {
  expect((await call(`${sluice.url}/healthz`)).json).toEqual({ status: 'ok' });
}

describe('bodies that are no good', () => {
  const deep = '['.repeat(1_000_000);
  const cases: [string, BodyInit, number, string, string | null][] = [
    ['an empty one', '', 422, 'INVALID_JSON', null],
    ['white space', ' \n', 422, 'INVALID_JSON', null],
    ['no JSON', '{"prompt": hello}', 422, 'INVALID_JSON', null],
    ['JSON with a tail', '{"prompt":"a"} b', 422, 'INVALID_JSON', null],
    ['a megabyte of [', deep, 422, 'INVALID_JSON', null],
    ['a megabyte of nested arrays', deep + ']'.repeat(1_000_000), 422, 'INVALID_JSON', null],
    ['nesting hidden in a field', `{"prompt":${'['.repeat(65)}${']'.repeat(65)}}`, 422, 'INVALID_JSON', null],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 422, 'INVALID_JSON', null],
    ['an array', '[]', 422, 'INVALID_TYPE', null],
    ['a string', '"prompt"', 422, 'INVALID_TYPE', null],
    ['null', 'null', 422, 'INVALID_TYPE', null],
    ['__proto__', '{"prompt":"a","__proto__":{"polluted":true}}', 422, 'INVALID_VALUE', '__proto__'],
    ['constructor', '{"prompt":"a","constructor":{"prototype":{"polluted":true}}}', 422, 'INVALID_VALUE', 'constructor'],
    ['a number beyond all numbers', '{"prompt":"a","temperature":1e400}', 422, 'INVALID_TYPE', 'temperature'],
    [
      'a hundred thousand unknown fields',
      `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join(',')}}`,
      422,
      'MISSING_REQUIRED_FIELD',
      'prompt',
    ],
  ];
  test.each(cases)('%s', async (...[, body, status, code, field]) => {
    const answer = await post('/generate', body);
    expect([answer.status, answer.json.error.code, answer.json.error.field] as unknown[]).toEqual([status, code, field]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    await expectAlive();
  });

  test('of duplicate keys the last counts', async () => {
    const { status } = await post('/generate', '{"prompt":"a","prompt":"b"}');
    expect(status).toBe(200);
  });

  test('20 MB is refused, announced or not', async () => {
    const announced = await post('/generate', 'x'.repeat(20 * 1024 * 1024));
    expect([announced.status, announced.json.error.code, announced.json.error.details['max_bytes']] as unknown[]).toEqual([
      413,
      'PAYLOAD_TOO_LARGE',
      10 * 1024 * 1024,
    ]);
    const piece = new TextEncoder().encode('x'.repeat(1024 * 1024));
    let pieces = 0;
    const unannounced = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++pieces > 20) controller.close();
        else controller.enqueue(piece);
      },
    });
    const answer = await post('/generate', unannounced);
    expect([answer.status, answer.json.error.code] as unknown[]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    await expectAlive();
  });

  const types = ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'application/jsonx'];
  test.each(types)('the type %s is not read', async (type) => {
    const answer = await post('/generate', '{"prompt":"a"}', { 'content-type': type });
    expect([answer.status, answer.json.error.code, answer.json.error.details['supported']] as unknown[]).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      ['application/json'],
    ]);
  });

  test.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset="utf-8"'])('the type %s is', async (type) => {
    expect((await post('/generate', '{"prompt":"a"}', { 'content-type': type })).status).toBe(200);
  });
});

describe('the error body', () => {
  test('has all six members, and the id of the request', async () => {
    const { json, headers } = await post('/generate', '{"prompt":"a","temperature":3.5}');
    expect(json).toEqual({
      error: {
        code: 'INVALID_VALUE',
        message: 'temperature must be between 0 and 2',
        status: 422,
        field: 'temperature',
        details: { min: 0, max: 2, received: 3.5, errors: [{ field: 'temperature', code: 'INVALID_VALUE', message: 'temperature must be between 0 and 2' }] },
        request_id: headers.get('x-request-id') ?? '',
      },
    });
  });

  test('has null and {} where there is nothing to say', async () => {
    const { json, status } = await call<Failed>(`${sluice.url}/nowhere`);
    expect([status, json.error.field, json.error.details] as unknown[]).toEqual([404, null, {}]);
  });

  test('lists every mistake', async () => {
    const { json } = await post('/generate', '{"temperature":9,"top_p":"x","max_tokens":0,"nonsense":1}');
    expect(json.error.code).toBe('MISSING_REQUIRED_FIELD');
    expect(json.error.details.errors).toHaveLength(5);
  });

  test('405 has Allow, 401 has WWW-Authenticate', async () => {
    const wrong = await call<Failed>(`${sluice.url}/generate`);
    expect([wrong.status, wrong.json.error.code, wrong.headers.get('allow')] as unknown[]).toEqual([405, 'METHOD_NOT_ALLOWED', 'POST, OPTIONS']);
    const nobody = await call<Failed>(`${sluice.url}/summarize`, { json: { text: 'a' } });
    expect([nobody.status, nobody.json.error.code, nobody.headers.get('www-authenticate')] as unknown[]).toEqual([401, 'UNAUTHORIZED', 'Bearer']);
  });
});

describe('the request id', () => {
  test.each(['x-request-id', 'x-correlation-id'])('is taken over from %s', async (header) => {
    const { headers } = await call(`${sluice.url}/healthz`, { headers: { [header]: 'order-17:a.b_c' } });
    expect(headers.get('x-request-id')).toBe('order-17:a.b_c');
  });

  test.each(['', 'with space', 'x'.repeat(129), 'semi;colon', 'ünïcode'])('is ours when the caller sends %p', async (id) => {
    const { headers } = await call(`${sluice.url}/healthz`, { headers: { 'x-request-id': encodeURI(id) === id ? id : 'a,b' } });
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/);
  });

  test('is in the log line of the request', async () => {
    await call(`${sluice.url}/api/v1/models`, { headers: { 'x-request-id': 'find-me-in-the-log' } });
    await Bun.sleep(20);
    expect(sluice.logs().find((line) => line['request_id'] === 'find-me-in-the-log')).toMatchObject({
      message: 'request',
      path: '/api/v1/models',
      status: 200,
    });
  });
});

const raw = (text: string): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(sluice.url);
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (piece) => {
      answer += piece.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.setTimeout(1500, () => socket.destroy());
  });

describe('what is no HTTP that we serve', () => {
  test.each([
    ['garbage', '\u0000\u0001\u0002 nonsense\r\n\r\n'],
    ['two lengths', 'POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef'],
    ['a length and chunks', 'POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a negative length', 'POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n'],
    [
      'a flood of headers',
      `GET /healthz HTTP/1.1\r\nhost: a\r\n${Array.from({ length: 5000 }, (_, index) => `x-${index}: ${'y'.repeat(50)}\r\n`).join('')}\r\n`,
    ],
    ['one endless header', `GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`],
  ])('%s is refused with a 4xx or a closed connection', async (_name, text) => {
    const answer = await raw(text);
    expect(answer).not.toMatch(/^HTTP\/1\.1 [25]/);
    await expectAlive();
  });
});

type Refused = { readonly why: string; readonly path: string; readonly headers: string; readonly status: number };

/** Sends a request whose connection is to be closed behind its answer, all of it before the first look at the answer, as most clients do. */
const sendAll = ({ path, headers }: Refused, { announced, sent }: { announced: number; sent: number }): Promise<{ answer: string; taken: number }> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(sluice.url);
    const piece = Buffer.alloc(64 * 1024, 'x');
    let taken = 0;
    let answer = '';
    const sendOn = (): void => {
      if (taken >= sent) socket.resume();
      else
        socket.write(piece, () => {
          taken += piece.length;
          sendOn();
        });
    };
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${headers}content-length: ${announced}\r\n\r\n`, sendOn);
    });
    socket.pause();
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answer, taken }));
  });

describe('whoever sends all of a large body before they look at the answer', () => {
  const MB = 1024 * 1024;
  const json = 'content-type: application/json\r\n';
  test.each<Refused>([
    { why: 'that it is too large', path: '/generate', headers: json, status: 413 },
    { why: 'that the key is bad', path: '/generate', headers: `${json}authorization: Bearer sk-no-such-key\r\n`, status: 401 },
    { why: 'that there is nothing', path: '/nothing-here', headers: json, status: 404 },
    { why: 'that the type is wrong', path: '/generate', headers: 'content-type: image/png\r\n', status: 415 },
  ])('reads $why', async (refused) => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => sendAll(refused, { announced: 20 * MB, sent: 20 * MB })));
    expect(answers.map(({ answer, taken }) => [answer.slice(9, 12), taken])).toEqual(answers.map(() => [String(refused.status), 20 * MB]));
    await expectAlive();
  });

  test('is not waited for when they send no more', async () => {
    const { answer } = await sendAll({ why: '', path: '/generate', headers: json, status: 413 }, { announced: 20 * MB, sent: MB });
    expect(answer).toStartWith('HTTP/1.1 413');
  });
});
