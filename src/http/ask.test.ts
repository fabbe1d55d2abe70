import { expect, test } from 'bun:test';
import { z } from 'zod';
import type { App } from '../app.ts';
import type { Gateway } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { ANONYMOUS, type Principal } from '../contract/policy.ts';
import { callIds } from '../core/call-ids.ts';
import { Canceller } from '../core/cancellation.ts';
import { gatewayCall } from './answer.ts';
import { type Answered, type AskedRoute, createAsk } from './ask.ts';
import { type Reply, type Route, route } from './route.ts';

/** Routes as rows of a job ask them. */
const KEY: Principal = { ...ANONYMOUS, kind: 'key', keyId: 'key_1', keyName: 'one', userId: null, allowedModels: null, allowedRoutes: ['/v1/*'] };
const VIEWER: Principal = { ...ANONYMOUS, kind: 'user', userId: 'user_1', username: 'vera', role: 'viewer', sessionId: '' };
const Body = z.strictObject({ text: z.string(), stream: z.boolean().optional() });

function answering(path: `/${string}`, handle: Route['handle']): Route {
  const summary = { summary: 'x', tag: 'Generate', scope: 'v1:call', replies: [] } as const;
  return route({ ...summary, method: 'POST', path, body: Body, handle });
}

const said: string[] = [];
const routes = [
  answering('/v1/echo', (_, exchange): Reply => ({
    json: { said: (exchange.body as { text: string }).text, job: gatewayCall(exchange, { model: 'm', request: {} }).jobId },
  })),
  answering('/v1/words', (): Reply => ({ text: '{"as":"it came"}', headers: { 'x-model': 'm' } })),
  answering('/v1/limited', () => {
    throw new AppError('UPSTREAM_RATE_LIMITED', { retryAfterMs: 1500 });
  }),
  answering('/broken', () => {
    throw new Error('no such thing');
  }),
  answering('/v1/gateway', (app): Reply => ({ json: { inFlight: app.gateway.callsInFlight() } })),
];
const app = {
  config: () => ({ allowAnonymous: true }),
  log: { error: (message: string) => said.push(message) },
  gateway: { callsInFlight: () => 1 },
} as unknown as App;
const ask = createAsk(app, routes);

function asked(path: string, more: Partial<AskedRoute> = {}, gateway?: Gateway): Promise<Answered> {
  const about = { body: { text: 'hello' }, principal: ANONYMOUS, requestId: 'req_1', ids: callIds('call_1', 0), jobId: 'job_1' };
  return ask({ path, ...about, signal: new Canceller(), deadline: 1, logFields: {}, ...more }, gateway);
}

test('a handler answers with the id of its job, and what came as text is JSON too', async () => {
  expect(await asked('/v1/echo')).toEqual({ status: 200, json: { said: 'hello', job: 'job_1' }, headers: {}, error: null });
  expect(await asked('/v1/words')).toEqual({ status: 200, json: { as: 'it came' }, headers: { 'x-model': 'm' }, error: null });
});

test('an error has the words of its surface, and is there itself', async () => {
  const limited = await asked('/v1/limited');
  expect([limited.status, limited.error?.code, limited.headers['retry-after']]).toEqual([429, 'UPSTREAM_RATE_LIMITED', '2']);
  expect(limited.json).toHaveProperty('error.type');
  const broken = await asked('/broken');
  expect(broken.json).toMatchObject({ error: { code: 'INTERNAL_ERROR', status: 500, request_id: 'req_1' } });
  expect(said).toEqual(['a request failed']);
});

test('a body is checked as that of any caller', async () => {
  const { status, json } = await asked('/v1/echo', { body: { text: 7 } });
  expect([status, json]).toMatchObject([400, { error: { param: 'text' } }]);
  expect((await asked('/v1/echo', { body: { text: 'hello', stream: true } })).error?.parts.field).toBe('stream');
});

test('who may not, does not', async () => {
  expect((await asked('/v1/echo', { principal: KEY })).status).toBe(200);
  expect((await asked('/broken', { principal: KEY })).error?.code).toBe('FORBIDDEN');
  expect((await asked('/v1/echo', { principal: VIEWER })).error?.code).toBe('FORBIDDEN');
  expect((await asked('/v1/nothing')).error?.code).toBe('NOT_FOUND');
});

test('another gateway may stand in for that of the app', async () => {
  const other = { callsInFlight: () => 7 } as Partial<Gateway> as Gateway;
  expect((await asked('/v1/gateway', {}, other)).json).toEqual({ inFlight: 7 });
  expect((await asked('/v1/gateway')).json).toEqual({ inFlight: 1 });
});
