import type { App } from '../../app.ts';
import { type AppError, invalidValue } from '../../contract/errors.ts';
import type { KeyChange, NewKeyBody } from '../../contract/keys.ts';
import type { Principal } from '../../contract/policy.ts';
import { apiKeyOf, apiKeyPrefix } from '../../core/api-key.ts';
import { budgetColumns, limitColumns } from '../../core/bounds.ts';
import { reachOf } from '../../core/reach.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { keyFacts, keyReply, noKey } from './show.ts';
import { canOwnKey, findKey, insertKey, type KeyColumns, projectExists } from './store.ts';

export async function createKey(app: App, exchange: Exchange<undefined, undefined, NewKeyBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const projectId = body.project_id ?? principal.projectId;
  const admin = reachOf(principal).projectId === null;
  if (!admin && projectId !== principal.projectId) throw noProject();
  const userId = ownerOf(body, principal, { admin, projectId });
  const columns = keyColumns(body, app.clock.now());
  const { secret, prefix, hash } = newSecret(app);
  const at = new Date(app.clock.now());
  const id = app.newId('key');
  const reply = await app.inProject(projectId, async (db) => {
    if (!(await projectExists(db, projectId))) throw noProject();
    if (userId !== null && !(await canOwnKey(db, userId, projectId))) throw invalidValue('user_id', 'must be somebody who may use keys of this project');
    const createdBy = principal.kind === 'user' ? principal.username : null;
    await insertKey(
      db,
      { ...columns, id, project_id: projectId, user_id: userId, name: body.name, prefix, created_by: createdBy, created_at: at, updated_at: at },
      hash,
    );
    const key = await findKey(db, id, { projectId, at });
    if (!key) throw noKey();
    await app.audit(db, exchange, { action: 'key.create', projectId, targetId: id, after: keyFacts(key) });
    return keyReply(key);
  });
  return { status: 201, headers: { location: `/api/v1/keys/${id}`, 'cache-control': 'no-store' }, json: { ...reply, key: secret } };
}

/** A new secret, and what is kept of it. */
export function newSecret({ secrets }: Pick<App, 'secrets'>): { readonly secret: string; readonly prefix: string; readonly hash: string } {
  const secret = apiKeyOf(Buffer.from(secrets.newToken(), 'base64url'));
  return { secret, prefix: apiKeyPrefix(secret), hash: secrets.keyHash(secret) };
}

type Owning = { readonly admin: boolean; readonly projectId: string };

/** A member's keys are the member's own: they count against the same budget, however many there are. */
function ownerOf({ user_id: wanted }: NewKeyBody, principal: Principal, { admin, projectId }: Owning): string | null {
  const self = principal.kind === 'user' ? principal.userId : null;
  if (wanted === undefined) return projectId === principal.projectId ? self : null;
  if (!admin && wanted !== self) throw invalidValue('user_id', 'must be you: only an administrator makes keys for others');
  return wanted;
}

/** The columns that a body names. */
export function keyColumns(body: KeyChange, nowMs: number): KeyColumns {
  const { name, expires_at: expiresAt, allowed_models: models, allowed_routes: routes } = body;
  if (expiresAt && Date.parse(expiresAt) <= nowMs) throw invalidValue('expires_at', 'must be in the future');
  return {
    ...(name === undefined ? {} : { name }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt === null ? null : new Date(expiresAt) }),
    ...(models === undefined ? {} : { allowed_models: models }),
    ...(routes === undefined ? {} : { allowed_routes: routes }),
    ...limitColumns(body),
    ...budgetColumns(body),
  };
}

function noProject(): AppError {
  return invalidValue('project_id', 'must be the id of a project that there is');
}
