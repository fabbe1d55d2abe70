import { createHmac } from 'node:crypto';
import type { Headers, People, User } from '../people.ts';

/** Who calls, and what the policy table knows them as. `bad` is a credential that does not hold. */
export type Caller = { readonly name: string; readonly is: 'nobody' | 'bad' | 'key' | 'viewer' | 'member' | 'admin'; readonly headers: Headers };

export const JWT_SECRET = 'grey heron standing in the shallow water';

type Made = { readonly id: string; readonly key: string };

/** Everybody that there can be, each in every form that a credential can have. */
export async function makeCallers(people: People): Promise<readonly Caller[]> {
  const { admin, asUser, newProject, newUser } = people;
  const elsewhere = (await newProject({ name: 'Elsewhere' })).id;
  const [viewer, member, stranger] = [await newUser({ role: 'viewer' }), await newUser(), await newUser({ project_id: elsewhere })];
  const signedIn = { viewer: await asUser(viewer), member: await asUser(member), stranger: await asUser(stranger) };
  const key = await newKey(people);
  const strangersKey = await newKey(people, {}, signedIn.stranger);
  const keyForms: [string, Headers][] = [
    ['as a bearer', { authorization: `Bearer ${key.key}` }],
    ['in another spelling', { authorization: `bEARER  ${key.key}` }],
    ['in its own header', { 'x-api-key': key.key }],
    ['in both headers', { authorization: `Bearer ${key.key}`, 'x-api-key': key.key }],
    ['behind a proxy with a password', { authorization: 'Basic cHJveHk6cHJveHk=', 'x-api-key': key.key }],
  ];
  const bad = { ...(await badKeys(people)), ...(await badTokens(people)), ...contradictions(key, strangersKey, signedIn.member) };
  return [
    { name: 'nobody', is: 'nobody', headers: {} },
    { name: 'nobody, for another host', is: 'nobody', headers: { host: 'admin.internal:1' } },
    { name: 'nobody, behind a proxy with a password', is: 'nobody', headers: { authorization: 'Basic cHJveHk6cHJveHk=' } },
    { name: 'an administrator', is: 'admin', headers: admin },
    { name: 'a member', is: 'member', headers: signedIn.member },
    { name: 'a member of another project', is: 'member', headers: signedIn.stranger },
    { name: 'a viewer', is: 'viewer', headers: signedIn.viewer },
    ...keyForms.map(([form, headers]): Caller => ({ name: `a key ${form}`, is: 'key', headers })),
    { name: 'a key of another project', is: 'key', headers: { 'x-api-key': strangersKey.key } },
    ...Object.entries(bad).map(([name, headers]): Caller => ({ name, is: 'bad', headers })),
  ];
}

async function newKey({ ask }: People, parts: object = {}, headers?: Headers): Promise<Made> {
  const { status, json, text } = await ask<Made>('POST', '/api/v1/keys', { name: 'a key', ...parts }, headers);
  if (status !== 201) throw new Error(`no key was made: ${status} ${text}`);
  return json;
}

async function badKeys(people: People): Promise<Record<string, Headers>> {
  const { ask, asUser, newUser, rows } = people;
  const [expired, revoked, rotated] = [await newKey(people), await newKey(people), await newKey(people)];
  await rows(`update api_keys set expires_at = now() where id = $1`, [expired.id]);
  await ask('DELETE', `/api/v1/keys/${revoked.id}`);
  await ask('POST', `/api/v1/keys/${rotated.id}/rotate`, { overlap_s: 0 });
  const [disabled, demoted] = [await newUser(), await newUser()];
  const ofDisabled = await newKey(people, {}, await asUser(disabled));
  const ofViewer = await newKey(people, {}, await asUser(demoted));
  await ask('PATCH', `/api/v1/users/${disabled.id}`, { disabled: true });
  await ask('PATCH', `/api/v1/users/${demoted.id}`, { role: 'viewer' });
  const all = { expired, revoked, rotated, 'of a disabled user': ofDisabled, 'of a viewer': ofViewer, 'made up': { key: `sk-sluice-${'a'.repeat(49)}` } };
  return Object.fromEntries(
    Object.entries(all).flatMap(([what, { key }]) => [
      [`a key, ${what}`, { authorization: `Bearer ${key}` }],
      [`a key, ${what}, in its own header`, { 'x-api-key': key }],
    ]),
  );
}

async function badTokens({ ask, asUser, newUser }: People): Promise<Record<string, Headers>> {
  const [disabled, gone, leaver] = [await newUser({ role: 'admin' }), await newUser({ role: 'admin' }), await newUser({ role: 'admin' })];
  const [ofDisabled, ofGone, ofLeaver] = [await asUser(disabled), await asUser(gone), await asUser(leaver)];
  await ask('PATCH', `/api/v1/users/${disabled.id}`, { disabled: true });
  await ask('DELETE', `/api/v1/users/${gone.id}`);
  await ask('POST', '/auth/logout', undefined, ofLeaver);
  return {
    'a disabled user': ofDisabled,
    'a deleted user': ofGone,
    'a user who signed out': ofLeaver,
    'an expired sign-in': { authorization: `Bearer ${expiredToken(leaver)}` },
    'a token in the header of keys': { 'x-api-key': ofDisabled['authorization']?.slice('Bearer '.length) ?? '' },
    'an empty bearer': { authorization: 'Bearer ' },
    'another scheme': { authorization: 'Token abc' },
    null: { authorization: 'Bearer null' },
  };
}

/** Two credentials at once are one caller too many, whichever of them holds. */
function contradictions(key: Made, other: Made, member: Headers): Record<string, Headers> {
  return {
    'two keys at once': { authorization: `Bearer ${key.key}`, 'x-api-key': other.key },
    'a member with a key': { ...member, 'x-api-key': key.key },
    'a key beside nonsense': { authorization: 'Bearer nonsense', 'x-api-key': key.key },
    'a member beside an empty key': { ...member, 'x-api-key': 'none' },
  };
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function expiredToken({ id }: User): string {
  const payload = { iss: 'sluice', aud: 'sluice', sub: id, sid: 'ses_1', role: 'admin', iat: 1_700_000_000, exp: 1_700_000_001, jti: 'tok_1' };
  const signed = `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(payload)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}
