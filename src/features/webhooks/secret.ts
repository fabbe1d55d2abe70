import { randomBytes } from 'node:crypto';
import type { App } from '../../app.ts';
import type { secretsOf } from './store.ts';

/** What endpoints sign with is kept sealed, each bound to its place. */
type Needs = Pick<App, 'secrets'>;

const SECRET_BYTES = 32;

export function newSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

export function sealSecret({ secrets }: Needs, endpointId: string, secret: Uint8Array): Buffer {
  return secrets.seal.close(secret, placeOf(endpointId));
}

type Kept = NonNullable<Awaited<ReturnType<typeof secretsOf>>>;

/** The newest first. None where JWT_SECRET is another than when they were sealed. */
export function openSecrets({ secrets }: Needs, { id, secret, old_secret: old, old_secret_until: until }: Kept, nowMs: number): readonly Uint8Array[] {
  const kept = old !== null && until !== null && until.getTime() > nowMs ? [secret, old] : [secret];
  return kept.flatMap((sealed) => secrets.seal.open(sealed, placeOf(id)) ?? []);
}

/** For the addresses that jobs name: one for each project, which follows from JWT_SECRET. */
export function projectSecret({ secrets }: Needs, projectId: string): Buffer {
  return Buffer.from(secrets.mac(`webhooks of the project ${projectId}`), 'base64url');
}

function placeOf(endpointId: string): string {
  return `webhook endpoint ${endpointId}`;
}
