import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { ADMIN } from './harness.ts';
import { type Listed, openPeople, type People, type User } from './people.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

type Ended = { readonly code: number; readonly out: string; readonly err: string };
type Key = { readonly id: string; readonly name: string; readonly key: string; readonly rpm: number | null; readonly overlap_until: string | null };

const SLUICE = join(import.meta.dir, '../bin/sluice');
let people: People;
beforeAll(async () => {
  people = await openPeople();
}, 60_000);
afterAll(() => people.stop());

const AS_ADMIN = { SLUICE_USERNAME: ADMIN.username, SLUICE_PASSWORD: ADMIN.password };

async function sluice(words: readonly string[], more: { readonly env?: Record<string, string>; readonly input?: string } = {}): Promise<Ended> {
  const child = Bun.spawn([SLUICE, ...words], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', SLUICE_URL: people.sluice.url, ...(more.env ?? AS_ADMIN) },
    stdin: new Blob([more.input ?? '']),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, out, err };
}
async function inJson<Reply>(...words: string[]): Promise<Reply> {
  const { code, out, err } = await sluice([...words, '--json']);
  if (code !== 0) throw new Error(`sluice ${words.join(' ')} ended with ${code}: ${err}`);
  return JSON.parse(out) as Reply;
}
const works = async (key: string): Promise<boolean> => (await people.ask('POST', '/generate', { prompt: 'hi' }, { 'x-api-key': key })).status === 200;

describe('sluice users', () => {
  test('create prints the password alone, with which the user can sign in, and list shows them in a table', async () => {
    const { code, out, err } = await sluice(['users', 'create', 'grace', '--role', 'member', '--rpm', '60', '--budget', '5/day']);
    expect(code).toBe(0);
    expect(err).toMatch(/^Made grace \(usr_\w+\): member, 60 rpm, \$5 a day\.\n/);
    expect((await people.logIn('grace', out.trim())).status).toBe(200);
    const listed = await sluice(['users', 'list']);
    expect(listed.out).toMatch(/^NAME +ROLE +PROJECT +MAY +SINCE +ID\n/);
    expect(listed.out).toMatch(/\ngrace +member +default +60 rpm, \$5 a day +\d{4}-\d\d-\d\d \d\d:\d\d +usr_\w+\n/);
    expect([listed.code, listed.err]).toEqual([0, '']);
  });

  test('create takes a password from standard input, and then prints none', async () => {
    const { code, out } = await sluice(['users', 'create', 'ada', '--role', 'viewer', '--password-stdin'], { input: 'four words of mine\n' });
    expect([code, out]).toEqual([0, '']);
    expect((await people.logIn('ada', 'four words of mine')).status).toBe(200);
  });

  test('update, reset-password and remove find a user by name or id', async () => {
    const { id } = await inJson<User>('users', 'create', 'linus', '--role', 'member');
    expect(await inJson<User>('users', 'update', 'Linus', '--role', 'viewer', '--disable', '--tpm', '1000')).toMatchObject({
      id,
      role: 'viewer',
      disabled: true,
      tpm: 1000,
    });
    expect(await inJson<User>('users', 'update', id, '--enable', '--tpm', 'none')).toMatchObject({ disabled: false, tpm: null });
    const reset = await sluice(['users', 'reset-password', 'linus']);
    expect((await people.logIn('linus', reset.out.trim())).status).toBe(200);
    expect(await inJson<object>('users', 'remove', 'linus', '--yes')).toEqual({ id, removed: true });
    expect((await people.ask('GET', `/api/v1/users/${id}`)).status).toBe(404);
  });

  test('list goes through as many pages as it takes', async () => {
    for (let nth = 0; nth < 3; nth++) await people.newUser();
    const two = await sluice(['users', 'list', '--limit', '2']);
    expect([two.out.trim().split('\n').length, two.err]).toEqual([3, 'There are more: --limit 10\n']);
    const all = await inJson<Listed<User>>('users', 'list', '--limit', '1000');
    expect([all.has_more, all.data.some(({ username }) => username === ADMIN.username)]).toEqual([false, true]);
  });
});

describe('sluice keys', () => {
  test('create prints the key alone, rotate and revoke find it by its name', async () => {
    const made = await sluice(['keys', 'create', 'shop', '--routes', '/generate,/v1/*', '--expires', '30d', '--budget', '20/month']);
    const key = made.out.trim();
    expect([made.code, await works(key)]).toEqual([0, true]);
    expect(made.err).toMatch(/^Made shop \(key_\w+\), until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\n/);
    const rotated = await sluice(['keys', 'rotate', 'shop', '--overlap', '1h']);
    expect(rotated.err).toMatch(/another secret\. The one before works until /);
    expect([await works(key), await works(rotated.out.trim())]).toEqual([true, true]);
    expect((await sluice(['keys', 'list'])).out).toMatch(/\nshop +sk-sluice-\w{6}… +active +default +\$20 a month +\d{4}-.* +key_\w+\n/);
    const revoked = await sluice(['keys', 'revoke', 'shop', '--yes']);
    expect([revoked.code, revoked.out]).toEqual([0, '']);
    expect((await inJson<Listed<Key>>('keys', 'list')).data.map(({ name }) => name)).not.toContain('shop');
  });

  test('says what to do where two keys have one name', async () => {
    const [first, second] = [await inJson<Key>('keys', 'create', 'twin'), await inJson<Key>('keys', 'create', 'twin')];
    const { code, err } = await sluice(['keys', 'revoke', 'twin', '--yes']);
    expect([code, err.includes(first.id), err.includes(second.id)]).toEqual([1, true, true]);
    expect(await inJson<object>('keys', 'revoke', first.id, '--yes')).toEqual({ id: first.id, revoked: true });
  });
});

describe('managing', () => {
  test('asks for --yes before what cannot be undone, and for what is missing: exit 2', async () => {
    const wrong = [
      ['users', 'remove', 'admin'],
      ['keys', 'revoke', 'shop'],
      ['users', 'create', 'x'],
      ['users', 'create', 'x', '--role', 'owner'],
      ['users', 'update', 'admin', '--enable', '--disable'],
      ['keys', 'create', 'x', '--budget', '5'],
      ['keys', 'create', 'x', '--rpm', '0'],
      ['keys', 'create', 'x', '--expires', 'soon'],
      ['keys', 'rotate', 'x', '--overlap', 'long'],
    ];
    for (const words of wrong) expect([words, (await sluice(words)).code]).toEqual([words, 2]);
  });

  test('fails with what the service says, and a way out', async () => {
    const last = await sluice(['users', 'update', ADMIN.username, '--role', 'member']);
    expect([last.code, last.out]).toEqual([1, '']);
    expect(last.err).toStartWith('error: This is the last administrator');
    const nobody = await sluice(['users', 'list'], { env: {} });
    expect([nobody.code, nobody.err.includes('SLUICE_USERNAME')]).toEqual([1, true]);
    expect((await sluice(['users', 'remove', 'nobody', '--yes'])).err).toContain('there is no user "nobody"');
  });

  test('signs in with a token too, and leaves no sign-in behind', async () => {
    const token = (people.admin['authorization'] ?? '').slice('Bearer '.length);
    expect((await sluice(['users', 'list'], { env: { SLUICE_TOKEN: token } })).code).toBe(0);
    expect((await sluice(['users', 'list'], { env: { SLUICE_API_KEY: token } })).code).toBe(0);
    const open = (): Promise<{ count: number }[]> =>
      people.rows(`select count(*)::int as count from sessions where user_id = $1 and revoked_at is null`, [people.adminId]);
    const before = await open();
    await sluice(['users', 'list']);
    await sluice(['keys', 'revoke', 'none', '--yes']);
    expect(await open()).toEqual(before);
  });
});
