import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSecrets } from './secrets.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-secrets-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const given = { jwtSecret: 'given, and thirty-two bytes long at least', environment: 'development' as const };

const macUnder = (secret: string): string => createHmac('sha256', secret).update('a text').digest('base64url');

describe('the signing secret', () => {
  test('is made once in development, kept, and the owner’s alone', async () => {
    const dataDir = join(root, 'made', 'deep');
    const first = await openSecrets({ dataDir, jwtSecret: null, environment: 'development' });
    const second = await openSecrets({ dataDir, jwtSecret: null, environment: 'development' });
    const jwtSecret = await readFile(join(dataDir, 'jwt-secret'), 'utf8');
    expect(Buffer.from(jwtSecret, 'base64url')).toHaveLength(32);
    expect([first, second].map(({ mac }) => mac('a text'))).toEqual([macUnder(jwtSecret), macUnder(jwtSecret)]);
    expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600);
  });

  test('is one, whoever of ten that start at once comes first, and leaves no drafts', async () => {
    const dataDir = join(root, 'ten');
    const all = await Promise.all(Array.from({ length: 10 }, () => openSecrets({ dataDir, jwtSecret: null, environment: 'development' })));
    expect(new Set(all.map(({ mac }) => mac('a text'))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(['jwt-secret']);
  });

  test('that others could read is closed to them', async () => {
    const dataDir = join(root, 'open');
    await openSecrets({ dataDir, jwtSecret: null, environment: 'development' });
    await chmod(join(dataDir, 'jwt-secret'), 0o644);
    await openSecrets({ dataDir, jwtSecret: null, environment: 'development' });
    expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600);
  });

  test('that was cut short is refused with the way out', async () => {
    const dataDir = await mkdtemp(join(root, 'cut-'));
    await writeFile(join(dataDir, 'jwt-secret'), 'abc');
    expect(await openSecrets({ dataDir, jwtSecret: null, environment: 'development' }).catch(String)).toMatch(
      /jwt-secret does not hold a secret.*delete it.*JWT_SECRET/,
    );
  });

  test('that is given is used, and nothing is written', async () => {
    const dataDir = join(root, 'given');
    expect((await openSecrets({ dataDir, ...given })).mac('a text')).toBe(macUnder(given.jwtSecret));
    expect(await stat(dataDir).catch(String)).toContain('ENOENT');
  });

  test('is required in production, of at least 32 bytes', async () => {
    expect(await openSecrets({ dataDir: root, jwtSecret: null, environment: 'production' }).catch(String)).toContain('JWT_SECRET is required');
    expect(await openSecrets({ dataDir: root, jwtSecret: 'your-secret-key', environment: 'production' }).catch(String)).toContain('JWT_SECRET has 15 bytes');
    expect((await openSecrets({ dataDir: root, jwtSecret: 'é'.repeat(16), environment: 'production' })).mac('a text')).toBe(macUnder('é'.repeat(16)));
  });
});

test('API keys are kept under a pepper that every process with the same secret has, and that is not the secret itself', async () => {
  const [first, second] = [await openSecrets({ dataDir: root, ...given }), await openSecrets({ dataDir: join(root, 'elsewhere'), ...given })];
  expect(first.keyHash('sk-sluice-1')).toBe(second.keyHash('sk-sluice-1'));
  expect(first.keyHash('sk-sluice-1')).not.toBe(first.mac('sk-sluice-1'));
  expect(first.keyHash('sk-sluice-1')).not.toBe(first.keyHash('sk-sluice-2'));
  const other = await openSecrets({ dataDir: root, ...given, jwtSecret: `${given.jwtSecret}!` });
  expect(first.keyHash('sk-sluice-1')).not.toBe(other.keyHash('sk-sluice-1'));
});

describe('passwords', () => {
  test('are kept as Argon2id with 19 MiB, two passes and one lane', async () => {
    const secrets = await openSecrets({ dataDir: root, ...given });
    const hash = await secrets.hashPassword('right');
    expect(hash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(await secrets.verifyPassword('right', hash)).toBe(true);
    expect(await secrets.verifyPassword('wrong', hash)).toBe(false);
    expect(await secrets.verifyPassword('', hash)).toBe(false);
  });

  test('match however their letters were composed', async () => {
    const secrets = await openSecrets({ dataDir: root, ...given });
    expect(await secrets.verifyPassword('Gru\u0308n', await secrets.hashPassword('Gr\u00fcn'))).toBe(true);
  });

  test('of nobody never match, and take as long', async () => {
    const secrets = await openSecrets({ dataDir: root, ...given });
    const hash = await secrets.hashPassword('right');
    // In turns and the best of each: whatever else the machine does falls on both.
    const best = { known: Number.POSITIVE_INFINITY, nobody: Number.POSITIVE_INFINITY };
    for (let turn = 0; turn < 15; turn++) {
      for (const whose of ['known', 'nobody'] as const) {
        const beganAt = performance.now();
        expect(await secrets.verifyPassword('guess', whose === 'known' ? hash : null)).toBe(false);
        best[whose] = Math.min(best[whose], performance.now() - beganAt);
      }
    }
    expect(best.nobody / best.known).toBeGreaterThan(0.7);
    expect(best.nobody / best.known).toBeLessThan(1.4);
  });

  test('are not verified when the turn is given up', async () => {
    const secrets = await openSecrets({ dataDir: root, ...given });
    const verified = secrets.verifyPassword('right', await secrets.hashPassword('right'), () => {
      throw new Error('given up');
    });
    expect(await verified.catch(String)).toContain('given up');
    expect(await secrets.verifyPassword('right', await secrets.hashPassword('right'))).toBe(true);
  });
});

test('a made password can be typed, and no two are alike', async () => {
  const secrets = await openSecrets({ dataDir: root, ...given });
  const made = Array.from({ length: 1000 }, () => secrets.newPassword());
  expect(new Set(made).size).toBe(1000);
  for (const password of made) expect(password).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){4}[0-9a-hjkmnp-tv-z]{4}$/);
});
