import type { App } from '../../app.ts';
import { DEFAULT_PROJECT } from '../../contract/policy.ts';
import type { Settings } from '../../contract/settings.ts';
import { changePassword, findUserByName, insertFirstUser, oldestUsername, type StoredUser } from './store.ts';

type Needs = Pick<App, 'db' | 'inProject' | 'clock' | 'secrets' | 'newId'>;
type Wanted = Pick<Settings, 'adminUsername' | 'adminPassword'>;

/** `password` only when it was made just now: it is nowhere else and is not shown again. */
export type FirstUser = { readonly username: string; readonly password?: string; readonly warning?: string };

/**
 * Makes the first user where there is none. Its password follows ADMIN_PASSWORD from start to start, until somebody changes it through the
 * API; one that was generated is also replaced, which is the way back in for whoever lost it. How good a password has to be was decided when the
 * configuration was read.
 */
export async function ensureFirstUser(app: Needs, settings: Wanted): Promise<FirstUser> {
  const { adminUsername: username, adminPassword } = settings;
  const existing = await findUserByName(app.db, username);
  if (existing) return followSettings(app, existing, settings);
  const oldest = await oldestUsername(app.db);
  if (oldest !== null) {
    return {
      username: oldest,
      warning: `ADMIN_USERNAME is ${username}, but only the first start makes that user, and this database already has users. Sign in as ${oldest}.`,
    };
  }
  const password = adminPassword ?? app.secrets.newPassword();
  const passwordHash = await app.secrets.hashPassword(password);
  const source = adminPassword === null ? 'generated' : 'env';
  const made = await insertFirstUser(app.db, {
    id: app.newId('usr'),
    username,
    passwordHash,
    passwordSource: source,
    role: 'admin',
    projectId: DEFAULT_PROJECT,
  });
  return { username, ...(made && source === 'generated' ? { password } : {}) };
}

async function followSettings(app: Needs, user: StoredUser, settings: Wanted): Promise<FirstUser> {
  const { username } = user;
  const { adminPassword } = settings;
  if (adminPassword === null || user.passwordSource === 'user') return { username };
  if (!(await app.secrets.verifyPassword(adminPassword, user.passwordHash))) {
    const newHash = await app.secrets.hashPassword(adminPassword);
    await app.inProject(user.projectId, (db) => changePassword(db, { user, newHash, source: 'env', keepSessionId: null, at: new Date(app.clock.now()) }));
  }
  return { username };
}
