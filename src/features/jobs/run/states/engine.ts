import { AppError } from '../../../../contract/errors.ts';
import type { App } from '../../../../app.ts';
import type { JobRow } from '../../store.ts';

/** How the requests of a job are run, and why so, in words for whoever made it. */
export type Choice = { readonly engine: 'direct' | 'provider_batch'; readonly reason: string };

/** Throws where what was asked for cannot be, or the model is not there. */
export function chooseEngine(app: Pick<App, 'gateway'>, job: JobRow): Choice {
  if (job.model !== null) app.gateway.resolve(job.model);
  if (job.engine === 'provider_batch') {
    throw new AppError('INVALID_VALUE', {
      field: 'engine',
      message: 'No provider of this job takes its requests as a batch: let the engine be auto or direct',
    });
  }
  const reason = job.engine === 'direct' ? 'It was asked for.' : 'No provider of this job takes its requests as a batch.';
  return { engine: 'direct', reason };
}
