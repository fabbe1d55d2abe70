import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const FILE_NAME = 'jwt-secret';
const SECRET_BYTES = 32;

/** The signing secret that a data folder keeps: made once, by whichever process comes first, and readable by its owner alone. */
export async function keptJwtSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, FILE_NAME);
  const kept = await readKept(path);
  if (kept !== null) return kept;
  await mkdir(dataDir, { recursive: true });
  // Written whole beside it and then linked: nobody ever reads half a secret, and of two that start at once one wins.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(secret);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    return secret;
  } catch (cause) {
    const winner = hasCode(cause, 'EEXIST') ? await readKept(path) : null;
    if (winner === null) throw cause;
    return winner;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readKept(path: string): Promise<string | null> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null;
    throw cause;
  }
  if (text.length < SECRET_BYTES)
    throw new Error(`${path} does not hold a secret of at least ${SECRET_BYTES} characters: delete it (everybody then signs in anew), or set JWT_SECRET`);
  await chmod(path, 0o600);
  return text;
}

function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
