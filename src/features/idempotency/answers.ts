import { type App, EVERY_PROJECT, type Seal } from '../../app.ts';
import type { Claim, GivenAnswer, KeptAnswers } from '../../http/idempotency.ts';
import type { KeyPlace } from '../../http/idempotency/key.ts';
import { type Claiming, claimKey, type Db, findKey, type Holder, releaseKey, removeExpired, removeKey, storeAnswer, type StoredAnswer } from './store.ts';

const KEPT_MS = 24 * 3_600_000;
/** Many times the longest answer of a model. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Of somebody who takes a key and gives it up again between two of our statements. */
const CLAIM_TRIES = 3;

type Needs = Pick<App, 'inProject' | 'clock' | 'secrets'>;

/** The answers under Idempotency-Keys, in the database, for all processes and over restarts. */
export function createKeptAnswers(app: Needs, processId: string): KeptAnswers {
  const { seal } = app.secrets;
  // Without a transaction for one project, whose four round trips would be most of what a key costs: every statement names the whole place.
  const inPlace = <Result>(run: (db: Db) => Promise<Result>): Promise<Result> => app.inProject(EVERY_PROJECT, run);

  return {
    fingerprint: seal.fingerprint,
    async claim(place, fingerprint, first) {
      const claiming = { place, fingerprint, processId, first, nowMs: app.clock.now(), keptMs: KEPT_MS };
      for (let tries = 0; tries < CLAIM_TRIES; tries++) {
        const claim = await inPlace((db) => tryClaim(db, seal, claiming));
        if (claim) return claim;
      }
      return { kind: 'running' };
    },
    keep(place, rootId, answer) {
      const stored = { ...answer, body: answer.body.length > BODY_BYTES_MAX ? null : seal.close(answer.body, nameOf(place)) };
      return inPlace((db) => storeAnswer(db, { place, processId, rootId }, stored));
    },
    giveUp(place, rootId, how) {
      const holder: Holder = { place, processId, rootId };
      return inPlace((db) => (how === 'lost' ? releaseKey(db, holder) : removeKey(db, holder)));
    },
  };
}

/** Null where the row was given up in the moment between. */
async function tryClaim(db: Db, seal: Seal, claiming: Claiming): Promise<Claim | null> {
  const { place, fingerprint, first } = claiming;
  const ids = await claimKey(db, claiming);
  if (ids) return { kind: 'ours', ids: { ...ids, again: ids.rootId !== first.rootId } };
  const found = await findKey(db, place);
  if (!found) return null;
  if (found.fingerprint !== fingerprint) return { kind: 'reused' };
  if (!found.answer) return { kind: 'running' };
  const answer = opened(seal, place, found.answer);
  return answer ? { kind: 'kept', answer } : { kind: 'lost' };
}

function opened(seal: Seal, place: KeyPlace, { body, ...rest }: StoredAnswer): GivenAnswer | null {
  const plain = body && seal.open(body, nameOf(place));
  return plain ? { ...rest, body: plain } : null;
}

function nameOf(place: KeyPlace): string {
  return JSON.stringify(Object.values(place));
}

/** What nobody can ask for any more goes. */
export function purgeKeptAnswers(app: Pick<App, 'inProject' | 'clock'>): Promise<void> {
  return app.inProject(EVERY_PROJECT, (db) => removeExpired(db, app.clock.now()));
}
