import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import { call, signIn, type Sluice, startSluice } from './harness.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

/** Tokens that were made by anybody but the service: RFC 8725 and the attacks that it was written after. */
const SECRET = 'quiet river stone lantern on the hill';
const HEADER = { alg: 'HS256', typ: 'at+jwt' };
let sluice: Sluice;
let good: string;
let claims: Record<string, unknown>;

beforeAll(async () => {
  sluice = await startSluice({ env: { JWT_SECRET: SECRET } });
  good = ((await signIn(sluice.url))['authorization'] ?? '').slice('Bearer '.length);
  claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
});
afterAll(() => sluice.stop());

const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const sign = (text: string, { secret = SECRET, hash = 'sha256' } = {}): string => createHmac(hash, secret).update(text).digest('base64url');
const signed = (header: unknown, payload: unknown, how = {}): string => {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${sign(text, how)}`;
};
/** Signed with the right secret, as if it had leaked: only what it says is wrong. */
const saying = (parts: Record<string, unknown>): string => signed(HEADER, { ...claims, ...parts });
const headed = (parts: Record<string, unknown>): string => signed({ ...HEADER, ...parts }, claims);
const without = (name: string): string => signed(HEADER, Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name)));
const unsigned = (alg: string): string => `${encode({ ...HEADER, alg })}.${encode(claims)}.`;
const now = (): number => Math.floor(Date.now() / 1000);
const PUBLIC_KEY = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----';
const OWN_KEY = { kty: 'oct', k: encode('my own key') };

const FORGED: readonly [name: string, make: () => string][] = [
  ['no algorithm: none', () => unsigned('none')],
  ['no algorithm: None', () => unsigned('None')],
  ['no algorithm: nOnE', () => unsigned('nOnE')],
  ['none, with the right signature', () => headed({ alg: 'none' })],
  ['no alg at all', () => signed({ typ: 'at+jwt' }, claims)],
  ['an alg that is null', () => headed({ alg: null })],
  ['HS384, rightly signed', () => signed({ ...HEADER, alg: 'HS384' }, claims, { hash: 'sha384' })],
  ['HS512, rightly signed', () => signed({ ...HEADER, alg: 'HS512' }, claims, { hash: 'sha512' })],
  ['RS256, signed with a public key as if it were a secret', () => signed({ ...HEADER, alg: 'RS256' }, claims, { secret: PUBLIC_KEY })],
  ['HS256, signed with a public key', () => signed(HEADER, claims, { secret: PUBLIC_KEY })],
  ['ES256', () => headed({ alg: 'ES256' })],
  ['signed with an empty secret', () => signed(HEADER, claims, { secret: '' })],
  ['signed with a common secret', () => signed(HEADER, claims, { secret: 'your-secret-key' })],
  ['its own key beside it (jwk)', () => signed({ ...HEADER, jwk: OWN_KEY }, claims, { secret: 'my own key' })],
  ['the address of a key (jku)', () => headed({ jku: 'http://127.0.0.1:9/keys' })],
  ['the address of a certificate (x5u)', () => headed({ x5u: 'http://127.0.0.1:9/cert' })],
  ['a certificate (x5c)', () => headed({ x5c: ['MIIB'] })],
  ['a key id that is a path (kid)', () => headed({ kid: '../../../dev/null' })],
  ['a key id that is SQL', () => headed({ kid: "' union select 'x' --" })],
  ['a critical extension (crit)', () => headed({ crit: ['exp'] })],
  ['an unencoded payload (b64)', () => headed({ b64: false, crit: ['b64'] })],
  ['a compressed payload (zip)', () => headed({ zip: 'DEF' })],
  ['another type (typ)', () => headed({ typ: 'JWT' })],
  ['no type', () => signed({ alg: 'HS256' }, claims)],
  ['a nested token (cty)', () => headed({ cty: 'JWT' })],
  ['a header in another order', () => signed({ typ: 'at+jwt', alg: 'HS256' }, claims)],
  ['another audience', () => saying({ aud: 'elsewhere' })],
  ['many audiences', () => saying({ aud: ['sluice', 'elsewhere'] })],
  ['another issuer', () => saying({ iss: 'https://issuer.example' })],
  ['no end', () => without('exp')],
  ['an end in the past', () => saying({ exp: now() - 1 })],
  ['an end that is text', () => saying({ exp: String(now() + 3600) })],
  ['a beginning ahead (nbf)', () => saying({ nbf: now() + 3600 })],
  ['issued ahead (iat)', () => saying({ iat: now() + 3600 })],
  ['no subject', () => without('sub')],
  ['another subject', () => saying({ sub: 'usr_other' })],
  ['another sign-in', () => saying({ sid: 'ses_other' })],
  ['no id', () => without('jti')],
  ['a role that there is not', () => saying({ role: 'owner' })],
  ['a claim twice', () => signed(HEADER, `${JSON.stringify(claims).slice(0, -1)},"sub":"usr_other"}`)],
  ['a payload that is a list', () => signed(HEADER, [claims])],
  ['a payload that is no JSON', () => signed(HEADER, 'not json')],
  ['an encrypted token (JWE)', () => [encode({ alg: 'dir', enc: 'A256GCM' }), '', encode('iv'), encode('text'), encode('tag')].join('.')],
  ['an encrypted token that is a bomb (PBES2)', () => [encode({ alg: 'PBES2-HS256+A128KW', p2c: 2_147_483_647, p2s: 'AA' }), 'a', 'b', 'c', 'd'].join('.')],
  ['another payload under a good signature', () => [good.split('.')[0], encode({ ...claims, role: 'admin', exp: now() + 1e6 }), good.split('.')[2]].join('.')],
  ['no signature', () => good.slice(0, good.lastIndexOf('.') + 1)],
  ['half a signature', () => good.slice(0, -20)],
  ['a padded signature', () => `${good}=`],
  ['one part more', () => `${good}.${encode('more')}`],
  ['one part less', () => good.slice(0, good.lastIndexOf('.'))],
  ['null', () => 'null'],
  ['undefined', () => 'undefined'],
  ['dots alone', () => '..'],
  ['as much as a header holds', () => 'x'.repeat(12_000)],
];

const me = (authorization: string): ReturnType<typeof call> => call(`${sluice.url}/auth/me`, { headers: { authorization } });

describe('a token that is forged is 401, and tells clients so:', () => {
  test('there are forty of them', () => expect(FORGED.length).toBeGreaterThanOrEqual(40));

  test.each(FORGED)('%s', async (_name, make) => {
    const { status, headers, text } = await me(`Bearer ${make()}`);
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
    expect(text).not.toContain('usr_other');
  });
});

test('each is refused within 5 ms, with nothing said that it asks for', async () => {
  const tokens = FORGED.map(([name, make]) => [name, `Bearer ${make()}`] as const);
  for (const [name, authorization] of tokens) {
    let best = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 5; turn++) {
      const beganAt = performance.now();
      await me(authorization);
      best = Math.min(best, performance.now() - beganAt);
    }
    expect([name, best < 5 ? 'soon' : best]).toEqual([name, 'soon']);
  }
});

test('a megabyte of a token is refused, and the process goes on with the good one', async () => {
  const refused = await me(`Bearer ${'x'.repeat(1_000_000)}`).then(
    ({ status }) => status,
    () => 'cut off',
  );
  expect([401, 431, 'cut off']).toContain(refused);
  expect((await me(`Bearer ${good}`)).status).toBe(200);
  expect((await call(`${sluice.url}/healthz`)).text).toBe('{"status":"ok"}');
});
