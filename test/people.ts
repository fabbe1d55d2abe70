import pg from 'pg';
import { type Answered, call, signIn, type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase, type TestDatabase } from './test-database.ts';

/** A service with an administrator, who makes other users, projects and keys of it. */
export type Failed = {
  readonly error: { readonly code: string; readonly message: string; readonly field: string | null; readonly details: Record<string, unknown> };
};
export type Listed<Row> = { readonly data: readonly Row[]; readonly has_more: boolean; readonly next_cursor: string | null };
export type User = {
  readonly id: string;
  readonly username: string;
  readonly role: string;
  readonly project_id: string;
  readonly disabled: boolean;
  readonly rpm: number | null;
  readonly budget: object | null;
  readonly password?: string;
};
export type Project = { readonly id: string; readonly name: string; readonly time_zone: string; readonly budget: object | null };
export type Headers = Readonly<Record<string, string>>;
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type People = {
  readonly sluice: Sluice;
  readonly database: TestDatabase;
  readonly admin: Headers;
  readonly adminId: string;
  /** As the administrator, unless other headers say who; each time from another address. */
  readonly ask: <Body = Failed>(method: Method, path: string, json?: unknown, headers?: Headers) => Promise<Answered<Body>>;
  readonly newUser: (parts?: object) => Promise<User>;
  readonly newProject: (parts?: object) => Promise<Project>;
  readonly logIn: (username: string, password?: string) => Promise<Answered<{ readonly access_token: string; readonly refresh_token: string }>>;
  readonly asUser: (user: Pick<User, 'username'>) => Promise<Headers>;
  readonly rows: <Row extends object>(statement: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly stop: () => Promise<void>;
};

/** What everybody is known by whom a test makes, unless it says otherwise. */
export const PASSWORD = 'winter kettle orbit lamp';
/** A change counts everywhere within a second; the rest is for the calls that look. */
export const WITHIN_MS = 1200;

export async function openPeople(env: Record<string, string> = {}): Promise<People> {
  const database = await makeDatabase();
  const sluice = await startSluice({ env: { TRUST_PROXY: 'loopback', ...database.env, ...env } });
  const admin = await signIn(sluice.url);
  let count = 0;
  const ask: People['ask'] = (method, path, json, headers = admin) =>
    call(`${sluice.url}${path}`, { method, headers: { 'x-forwarded-for': `203.0.113.${count++ % 250}`, ...headers }, ...(json === undefined ? {} : { json }) });
  const made = async <Row>(path: string, json: object): Promise<Row> => {
    const { status, json: row, text } = await ask<Row>('POST', path, json);
    if (status !== 201) throw new Error(`nothing was made at ${path}: ${status} ${text}`);
    return row;
  };
  const logIn: People['logIn'] = (username, password = PASSWORD) => ask('POST', '/auth/login', { username, password }, {});
  return {
    sluice,
    database,
    admin,
    adminId: (await ask<{ id: string }>('GET', '/auth/me')).json.id,
    ask,
    newUser: (parts = {}) => made('/api/v1/users', { username: `user ${count++}`, role: 'member', password: PASSWORD, ...parts }),
    newProject: (parts = {}) => made('/api/v1/projects', { name: 'Shop', ...parts }),
    logIn,
    async asUser({ username }) {
      const { status, json, text } = await logIn(username);
      if (status !== 200) throw new Error(`${username} could not sign in: ${status} ${text}`);
      return { authorization: `Bearer ${json.access_token}` };
    },
    rows: (statement, values) => rowsOf(database.urlOf(sluice), statement, values),
    async stop() {
      await sluice.stop();
      await database.drop();
    },
  };
}

async function rowsOf<Row extends object>(url: string, statement: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** How long until it comes about. */
export async function comesAbout(condition: () => Promise<boolean>): Promise<number> {
  const beganAt = performance.now();
  await until(condition, 5000);
  return performance.now() - beganAt;
}
