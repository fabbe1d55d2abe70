import { describe, expect, test } from 'bun:test';
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { type AccessClaims, readAccessToken, signAccessToken, type TokenVerdict } from './jwt.ts';

const SECRET = 'the secret of these tests, and of nothing else';
const NOW_MS = Date.UTC(2026, 0, 1);
const NOW_S = NOW_MS / 1000;

function mac(text: string): string {
  return createHmac('sha256', SECRET).update(text).digest('base64url');
}

const claims: AccessClaims = { userId: 'usr_1', sessionId: 'ses_1', role: 'member', tokenId: 'tok_1', issuedAtS: NOW_S, expiresAtS: NOW_S + 3600 };
const good = signAccessToken(claims, mac);
const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.');
const rightPayload = { iss: 'sluice', aud: 'sluice', sub: 'usr_1', sid: 'ses_1', role: 'member', iat: NOW_S, exp: NOW_S + 3600, jti: 'tok_1' };
const rightHeader = { alg: 'HS256', typ: 'at+jwt' };

function read(token: string): TokenVerdict {
  return readAccessToken(token, NOW_MS, mac);
}

function encode(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

/** Signed with the true secret: only what it says is wrong. */
function signed(header: unknown, payload: unknown): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${mac(text)}`;
}

function unsigned(header: unknown, payload: unknown = rightPayload): string {
  return `${encode(header)}.${encode(payload)}.`;
}

function signedBy(secret: string, header: unknown = rightHeader, hash = 'sha256'): string {
  const text = `${encode(header)}.${encode(rightPayload)}`;
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}

test('a token that was signed says again what it said', () => {
  expect(read(good)).toEqual({ claims });
  expect(signed(rightHeader, rightPayload)).toBe(good);
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
function signedByRsa(): string {
  const text = `${encode({ alg: 'RS256', typ: 'at+jwt' })}.${goodPayload}`;
  return `${text}.${createSign('sha256').update(text).sign(rsa.privateKey).toString('base64url')}`;
}

function without(name: keyof typeof rightPayload): Record<string, unknown> {
  return Object.fromEntries(Object.entries(rightPayload).filter(([key]) => key !== name));
}

const forged: Record<string, string> = {
  'alg none, no signature': unsigned({ alg: 'none', typ: 'at+jwt' }),
  'alg None': unsigned({ alg: 'None', typ: 'at+jwt' }),
  'alg NoNe': unsigned({ alg: 'NoNe', typ: 'at+jwt' }),
  'alg NONE with the signature of another': `${unsigned({ alg: 'NONE', typ: 'at+jwt' })}${goodSignature}`,
  'alg none, rightly signed': signed({ alg: 'none', typ: 'at+jwt' }, rightPayload),
  'no alg': signed({ typ: 'at+jwt' }, rightPayload),
  'alg null': signed({ alg: null, typ: 'at+jwt' }, rightPayload),
  'alg empty': signed({ alg: '', typ: 'at+jwt' }, rightPayload),
  'alg a list': signed({ alg: ['HS256'], typ: 'at+jwt' }, rightPayload),
  'alg hs256': signed({ alg: 'hs256', typ: 'at+jwt' }, rightPayload),
  'alg HS512': signedBy(SECRET, { alg: 'HS512', typ: 'at+jwt' }, 'sha512'),
  'alg HS384': signedBy(SECRET, { alg: 'HS384', typ: 'at+jwt' }, 'sha384'),
  'alg RS256': signedByRsa(),
  'a public key as the secret': signedBy(publicPem),
  'an empty secret': signedBy(''),
  'another secret': signedBy('the secret of somebody else entirely, yes'),
  'the secret with a line end': signedBy(`${SECRET}\n`),
  'alg twice, none last': signed('{"alg":"HS256","alg":"none","typ":"at+jwt"}', rightPayload),
  'alg twice, none first': signed('{"alg":"none","alg":"HS256","typ":"at+jwt"}', rightPayload),
  crit: signed({ ...rightHeader, crit: ['exp'] }, rightPayload),
  'crit and b64 false': signed({ ...rightHeader, b64: false, crit: ['b64'] }, rightPayload),
  jwk: signed({ ...rightHeader, jwk: { kty: 'oct', k: encode(SECRET) } }, rightPayload),
  jku: signed({ ...rightHeader, jku: 'https://attacker.example/keys' }, rightPayload),
  x5u: signed({ ...rightHeader, x5u: 'https://attacker.example/cert' }, rightPayload),
  x5c: signed({ ...rightHeader, x5c: ['MIIB'] }, rightPayload),
  'kid with a path': signed({ ...rightHeader, kid: '../../../../dev/null' }, rightPayload),
  'kid with SQL': signed({ ...rightHeader, kid: "' union select 'key" }, rightPayload),
  'typ JWT': signed({ alg: 'HS256', typ: 'JWT' }, rightPayload),
  'no typ': signed({ alg: 'HS256' }, rightPayload),
  zip: signed({ ...rightHeader, zip: 'DEF' }, rightPayload),
  'the header with a space in it': signed('{"alg":"HS256", "typ":"at+jwt"}', rightPayload),
  'JWE in five parts': `${encode({ alg: 'dir', enc: 'A256GCM' })}..${encode('iv')}.${encode('text')}.${encode('tag')}`,
  'JWE with PBES2': `${encode({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_000_000_000, p2s: 'x' })}.a.b.c.d`,
  'JSON serialization': JSON.stringify({ protected: goodHeader, payload: goodPayload, signature: goodSignature }),
  'no exp': signed(rightHeader, without('exp')),
  'exp null': signed(rightHeader, { ...rightPayload, exp: null }),
  'exp a string': signed(rightHeader, { ...rightPayload, exp: String(NOW_S + 3600) }),
  'exp without end': signed(
    rightHeader,
    `{"iss":"sluice","aud":"sluice","sub":"usr_1","sid":"ses_1","role":"member","iat":${NOW_S},"exp":1e999,"jti":"tok_1"}`,
  ),
  'exp past': signed(rightHeader, { ...rightPayload, exp: NOW_S - 1 }),
  'exp now': signed(rightHeader, { ...rightPayload, exp: NOW_S }),
  'nbf ahead': signed(rightHeader, { ...rightPayload, nbf: NOW_S + 600 }),
  'nbf a string': signed(rightHeader, { ...rightPayload, nbf: 'tomorrow' }),
  'iat ahead': signed(rightHeader, { ...rightPayload, iat: NOW_S + 600 }),
  'another aud': signed(rightHeader, { ...rightPayload, aud: 'billing' }),
  'aud a list': signed(rightHeader, { ...rightPayload, aud: ['sluice', 'billing'] }),
  'no aud': signed(rightHeader, without('aud')),
  'another iss': signed(rightHeader, { ...rightPayload, iss: 'https://attacker.example' }),
  'no iss': signed(rightHeader, without('iss')),
  'no sub': signed(rightHeader, without('sub')),
  'sub null': signed(rightHeader, { ...rightPayload, sub: null }),
  'sid empty': signed(rightHeader, { ...rightPayload, sid: '' }),
  'no jti': signed(rightHeader, without('jti')),
  'a role that does not exist': signed(rightHeader, { ...rightPayload, role: 'root' }),
  'a list as claims': signed(rightHeader, [rightPayload]),
  'null as claims': signed(rightHeader, 'null'),
  'claims that are no JSON': signed(rightHeader, 'exp=never'),
  'claims changed after signing': `${goodHeader}.${encode({ ...rightPayload, role: 'admin' })}.${goodSignature}`,
  'no signature': `${goodHeader}.${goodPayload}.`,
  'no third part': `${goodHeader}.${goodPayload}`,
  'half a signature': `${goodHeader}.${goodPayload}.${goodSignature.slice(0, 20)}`,
  'a signature and more': `${good}AAAA`,
  'a fourth part': `${good}.${goodSignature}`,
  'a signature padded': `${good}=`,
  'the empty text': '',
  'the word null': 'null',
  'the word undefined': 'undefined',
  'two dots': '..',
  'longer than 4 KB': signed(rightHeader, { ...rightPayload, more: 'x'.repeat(4096) }),
  'other spaces around it': ` ${good}`,
};

describe('refuses', () => {
  test('each of at least 40 forgeries', () => expect(Object.keys(forged).length).toBeGreaterThanOrEqual(40));
  for (const [name, token] of Object.entries(forged)) {
    test(name, () => expect(read(token)).toHaveProperty('refused'));
  }
});

test('refuses other spellings of the same signature bytes', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const bytes = Buffer.from(goodSignature, 'base64url');
  const twins = [...alphabet]
    .map((letter) => goodSignature.slice(0, -1) + letter)
    .filter((twin) => twin !== goodSignature && Buffer.from(twin, 'base64url').equals(bytes));
  expect(twins.length).toBeGreaterThan(0);
  for (const twin of twins) expect(read(`${goodHeader}.${goodPayload}.${twin}`)).toEqual({ refused: 'forged' });
});

test('refuses each token that differs from a good one in one letter', () => {
  for (let index = 0; index < good.length; index++) {
    const token = `${good.slice(0, index)}${good[index] === 'A' ? 'B' : 'A'}${good.slice(index + 1)}`;
    expect(read(token)).toHaveProperty('refused');
  }
});

test('says when a token was good and is over', () => {
  expect(readAccessToken(good, NOW_MS + 3_600_000, mac)).toEqual({ refused: 'expired' });
  expect(readAccessToken(good, NOW_MS + 3_599_999, mac)).toEqual({ claims });
});

test('takes a replica’s clock that is a little ahead', () => {
  expect(readAccessToken(good, NOW_MS - 59_000, mac)).toEqual({ claims });
  expect(readAccessToken(good, NOW_MS - 61_000, mac)).toEqual({ refused: 'early' });
});
