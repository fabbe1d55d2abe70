import { type App, EVERY_PROJECT, type PrincipalOf } from '../../app.ts';
import { type Creator, DEFAULT_PROJECT, type Principal } from '../../contract/policy.ts';
import { recentMap } from '../../core/recent-map.ts';
import { createFreshness, type Fresh, unread } from './fresh.ts';
import { away } from './identify.ts';
import { anonymousPrincipal, keyPrincipal, userPrincipal } from './principal.ts';
import { findKeyById, findProject, findUserById } from './store.ts';

type Needs = Pick<App, 'db' | 'inProject' | 'clock' | 'log'>;

/** With the database away, what was known this long ago still holds: work that runs by itself is in no hurry to be refused. */
const AWAY_MAX_MS = 60_000;
const CACHED_MAX = 10_000;
/** Of no sign-in: nothing that a job asks may end one. */
const NO_SESSION = '';

/** Whoever made something that goes on by itself, as they are now: read anew when it is older than a second, and null once they may call no more. */
export function createCreators(app: Needs): PrincipalOf {
  const freshness = createFreshness(app);
  const known = recentMap<Fresh<Principal>>(CACHED_MAX);

  const holderOf = (creator: Creator): Fresh<Principal> => {
    const name = `${creator.kind}:${creator.id}`;
    const holder = known.get(name) ?? unread(() => readCreator(app, creator));
    known.set(name, holder);
    return holder;
  };
  const decide = (holder: Fresh<Principal>): Principal | null => {
    if (freshness.ageMs(holder) > AWAY_MAX_MS) throw away();
    return holder.value;
  };
  return (creator) => {
    const holder = holderOf(creator);
    return freshness.isFresh(holder) ? decide(holder) : freshness.read(holder).then(() => decide(holder));
  };
}

async function readCreator(app: Needs, { kind, id }: Creator): Promise<Principal | null> {
  if (kind === 'anonymous') {
    const project = await findProject(app.db, DEFAULT_PROJECT);
    return project && anonymousPrincipal(project);
  }
  if (id === null) return null;
  if (kind === 'user') {
    const user = await findUserById(app.db, id);
    return user && userPrincipal(NO_SESSION, user);
  }
  const at = new Date(app.clock.now());
  const key = await app.inProject(EVERY_PROJECT, (db) => findKeyById(db, id, at));
  return key && keyPrincipal(key);
}
