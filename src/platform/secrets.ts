import { createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import type { Secrets } from '../app.ts';
import { createLoginThrottle } from '../core/login-throttle.ts';
import { keptJwtSecret } from './jwt-secret.ts';
import { createPasswordPool } from './password-pool.ts';
import { createSeal } from './seal.ts';

/** OWASP's parameters: 19 MiB, two passes, one lane; 20–30 ms on one core. */
const ARGON2ID = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const;
/** Two at once leave the event loop its share of a small machine; two hundred waiting are three seconds. */
const POOL = { atOnce: 2, waitingMax: 200 };
const SECRET_BYTES_MIN = 32;
const PASSWORD_LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';

export type SecretsSource = { readonly dataDir: string; readonly jwtSecret: string | null; readonly environment: 'development' | 'production' };

export async function openSecrets(source: SecretsSource): Promise<Secrets> {
  const jwtSecret = await signingSecret(source);
  const key = createSecretKey(Buffer.from(jwtSecret));
  // The same in every process that shares the secret, and of no use for signing tokens.
  const pepper = createSecretKey(Buffer.from(hkdfSync('sha256', jwtSecret, '', 'sluice api keys', 32)));
  const nobodysHash = unmatchableHash();
  const pool = createPasswordPool(POOL);

  return {
    mac: (text) => createHmac('sha256', key).update(text).digest('base64url'),
    keyHash: (text) => createHmac('sha256', pepper).update(text).digest('base64url'),
    seal: createSeal(jwtSecret),
    newToken: () => randomBytes(32).toString('base64url'),
    newPassword,
    loginThrottle: createLoginThrottle(),
    hashPassword: (password) => pool.run(() => Bun.password.hash(password.normalize('NFC'), ARGON2ID)),
    verifyPassword: (password, hash, onTurn) =>
      pool.run(async () => {
        onTurn?.();
        return Bun.password.verify(password.normalize('NFC'), hash ?? nobodysHash);
      }),
  };
}

async function signingSecret({ dataDir, jwtSecret, environment }: SecretsSource): Promise<string> {
  if (environment === 'production') {
    if (jwtSecret === null)
      throw new Error('JWT_SECRET is required with ENV=production: set it to at least 32 random bytes, for example from `openssl rand -base64 48`');
    if (Buffer.byteLength(jwtSecret) < SECRET_BYTES_MIN)
      throw new Error(
        `JWT_SECRET has ${Buffer.byteLength(jwtSecret)} bytes; production asks for at least ${SECRET_BYTES_MIN}, for example from \`openssl rand -base64 48\``,
      );
  }
  return jwtSecret ?? (await keptJwtSecret(dataDir));
}

/** Costs as much to verify as a user's, and no password is known to match it: its digest is random, and nothing was hashed. */
function unmatchableHash(): string {
  return `$argon2id$v=19$m=${ARGON2ID.memoryCost},t=${ARGON2ID.timeCost},p=1$${randomText(32)}$${randomText(32)}`;
}

/** A hundred random bits that can be read from a screen and typed: five groups of four letters. */
function newPassword(): string {
  const letters = [...randomBytes(20)].map((byte) => PASSWORD_LETTERS[byte & 31]).join('');
  return letters.replaceAll(/(.{4})(?=.)/g, '$1-');
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
