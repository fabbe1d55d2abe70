import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream/server.ts';
import { ADMIN, call, type Sluice, startSluice } from '../harness.ts';
import type { Ask, Person } from './ask.ts';
import { makeDatabase, openGate, run } from '../test-database.ts';
import { type Answer, type Operation, type Promises, readPromises } from './document.ts';
import { SEEN_JOBS } from './jobs.ts';
import { SEEN_BATCH } from './batches.ts';
import { SEEN_MESSAGE_BATCH } from './message-batches.ts';
import { SEEN_SCHEDULES } from './schedules.ts';
import { SEEN_CALL } from './usage.ts';
import { SEEN_WEBHOOKS } from './webhooks.ts';

/** The processes that the promises are held against, and the people who ask them. */
export type Stage = {
  readonly promises: Promises;
  readonly upstream: FakeUpstream;
  readonly usual: Sluice;
  /** Without a local model, and able to lose its database; on the same users as the usual one, of whose sign-ins it has seen none. */
  readonly bare: Sluice;
  readonly loseDatabase: () => void;
  /** Statements on the database of both. */
  readonly alter: (statement: string) => Promise<void>;
  /** One that no other call comes from. */
  readonly newAddress: () => string;
  readonly send: (sluice: Sluice, operation: Operation, ask: Ask, address?: string) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

const NEW_PEOPLE = `
  insert into users (id, username, password_hash, password_source, role, project_id)
  select 'usr_' || name, name, password_hash, 'user', new_role, project_id from users, (values ('viewer', 'viewer'), ('changer', 'member')) as made (name, new_role);
  insert into api_keys (id, project_id, name, prefix, expires_at) values ('key_expired', 'default', 'expired', 'sk-sluice-', '2026-01-01')`;

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-promises-'));
  const file = join(folder, 'sluice.yaml');
  writeFileSync(file, 'models:\n  local: { targets: [openai/gpt-4o-mini] }\n');
  const [upstream, database] = [await startFakeUpstream(), await makeDatabase()];
  const env = {
    OPENAI_API_KEY: 'sk-upstream-000000000000',
    OPENAI_BASE_URL: upstream.url,
    UPSTREAM_MAX_RETRIES: '0',
    UPSTREAM_READ_TIMEOUT_S: '1',
    JWT_SECRET: 'quiet river stone lantern on the hill',
    // Every call comes from an address of its own, unless it says otherwise.
    TRUST_PROXY: 'loopback',
    ...Object.fromEntries(['GENERATE', 'LOCAL', 'HEALTH', 'ANONYMOUS'].map((name) => [`RATE_LIMIT_${name}`, '1/minute'])),
  };
  const usual = await startSluice({ env: { ...env, ...database.env, SLUICE_CONFIG: file } });
  const databaseUrl = database.urlOf(usual);
  const gate = await openGate(databaseUrl);
  const bare = await startSluice({ env: { ...env, DATABASE_URL: gate.url } });
  await run(databaseUrl, `${NEW_PEOPLE}; ${SEEN_CALL}; ${SEEN_JOBS}; ${SEEN_BATCH}; ${SEEN_MESSAGE_BATCH}; ${SEEN_SCHEDULES}; ${SEEN_WEBHOOKS}`);
  const promises = readPromises((await call<Parameters<typeof readPromises>[0]>(`${usual.url}/openapi.json`)).json);
  // Enough to end one for each rule and each trouble.
  const credentials = await signEverybodyIn(usual.url, 40);
  let addresses = 0;
  const newAddress = (): string => `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses++ & 255}`;
  return {
    promises,
    upstream,
    usual,
    bare,
    loseDatabase: () => gate.close(),
    alter: (statement) => run(databaseUrl, statement),
    newAddress,
    send: sender(credentials, newAddress),
    async stop() {
      await bare.stop();
      gate.close();
      await usual.stop();
      await database.drop();
      upstream.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

type Credentials = (person: Exclude<Person, 'nobody'>) => Readonly<Record<string, string>>;

/** Before anything is tried: later there may be no database, or no patience with wrong passwords. */
async function signEverybodyIn(url: string, leaversCount: number): Promise<Credentials> {
  const signIn = async (username: string): Promise<string> => {
    const { status, json, text } = await call<{ access_token: string }>(`${url}/auth/login`, { json: { ...ADMIN, username } });
    if (status !== 200) throw new Error(`${username} could not sign in: ${status} ${text}`);
    const authorization = `Bearer ${json.access_token}`;
    // A sign-in that was seen goes on without the database for a while, so that it is the route itself that misses it.
    await call(`${url}/auth/me`, { headers: { authorization } });
    return authorization;
  };
  const names = [ADMIN.username, 'viewer', 'changer', ...Array<string>(leaversCount).fill('viewer')];
  const signedIn: string[] = [];
  // One after the other: what is tried here is not how many can sign in at once.
  for (const name of names) signedIn.push(await signIn(name));
  const [admin = '', viewer = '', changer = '', ...leavers] = signedIn;
  const known = { admin, viewer, changer };
  const restricted = await call<{ key: string }>(`${url}/api/v1/keys`, {
    json: { name: 'for other routes', allowed_routes: ['/nowhere'] },
    headers: { authorization: admin },
  });
  return (person) => {
    if (person === 'key') return { 'x-api-key': restricted.json.key };
    if (person !== 'leaver') return { authorization: known[person] };
    const leaver = leavers.pop();
    if (leaver === undefined) throw new Error('there are more sign-outs than sign-ins');
    return { authorization: leaver };
  };
}

/** Whoever comes here goes: others are to find their sign-in as it was. */
const ENDS_A_SIGN_IN = 'POST /auth/logout';

function sender(credentials: Credentials, newAddress: () => string): Stage['send'] {
  return async (sluice, { route, method, path, pathExamples, body: example }, ask, address = newAddress()) => {
    const where = pathOf({ path, pathExamples }, ask);
    const { query = '' } = ask;
    const as = ask.as === 'viewer' && route === ENDS_A_SIGN_IN ? 'leaver' : (ask.as ?? 'admin');
    const json = ask.json ?? example;
    const body = ask.body ?? (json === undefined ? undefined : JSON.stringify(json));
    const headers = {
      'x-forwarded-for': address,
      // An answer that is kept would hide what the provider does.
      'cache-control': 'no-store',
      ...(as === 'nobody' ? {} : credentials(as)),
      ...(ask.body === undefined && body !== undefined ? { 'content-type': 'application/json' } : {}),
      ...ask.headers,
    };
    return call(`${sluice.url}${where}${query}`, { method, headers, ...(body === undefined ? {} : { body }) });
  };
}

export function pathOf({ path, pathExamples }: Pick<Operation, 'path' | 'pathExamples'>, ask: Ask): string {
  const values: Readonly<Record<string, string>> = { ...pathExamples, ...ask.path };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}
