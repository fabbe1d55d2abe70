import { EVERY_PROJECT } from '../../../app.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Principal } from '../../../contract/policy.ts';
import { candidatesFor } from '../../../gateway/callable-models.ts';
import { batchCandidate } from '../../../gateway/batched.ts';
import { Canceller } from '../../../core/cancellation.ts';
import { type BatchPlace, chooseEngine, type EngineChoice } from '../../../core/engine-choice.ts';
import type { JobRow } from '../store.ts';
import { type JobsApp, principalOf } from '../run/world.ts';
import { capture } from './asking.ts';
import { firstOfEachModel } from './lines/store.ts';

/** So many models of one job are looked at. */
const MODELS_MAX = 50;

/** How a job is run: looks where a request of each of its models would go. Throws where what was asked for cannot be. */
export async function chooseEngineOf(app: JobsApp, job: JobRow): Promise<EngineChoice> {
  if (job.engine === 'direct') return chooseEngine('direct', job.endpoint, []);
  return chooseEngine(job.engine, job.endpoint, await placesOf(app, job));
}

async function placesOf(app: JobsApp, job: JobRow): Promise<readonly BatchPlace[]> {
  const principal = await principalOf(app, job);
  if (principal === null) return [];
  const places: BatchPlace[] = [];
  for (const row of await app.inProject(EVERY_PROJECT, (db) => firstOfEachModel(db, job.id, MODELS_MAX))) {
    const captured = await capture(app, { job, row, principal, signal: new Canceller() });
    // What cannot be asked at all fails by itself, wherever it runs.
    if (captured.type === 'answered') continue;
    const place = placeOf(app, principal, captured.asked);
    if (place) places.push(place);
  }
  return places;
}

function placeOf(app: JobsApp, principal: Principal, asked: Parameters<typeof batchCandidate>[1]): BatchPlace | null {
  const model = asked.call.model ?? app.config().defaultModel;
  try {
    const candidate = batchCandidate(app, asked);
    const place = candidate ?? candidatesFor(app, principal, model)[0];
    return place ? { model, provider: place.provider.id, hasBatches: candidate !== null, price: place.price } : null;
  } catch (cause) {
    // A model that there is not, or that is not for whoever made the job, is the matter of its own requests.
    if (cause instanceof AppError && (cause.code === 'MODEL_NOT_FOUND' || cause.code === 'FORBIDDEN')) return null;
    throw cause;
  }
}
