import { AppError } from '../contract/errors.ts';
import type { Price } from './provider.ts';

/** How the requests of a job are run, and why so, in words for whoever made it. */
export type EngineChoice = { readonly engine: 'direct' | 'provider_batch'; readonly reason: string };
export type EngineAsked = 'auto' | 'provider_batch' | 'direct';

/** Where the requests that name one model would go. */
export type BatchPlace = { readonly model: string; readonly provider: string; readonly hasBatches: boolean; readonly price: Price };

/** The cheaper that can do it; a throw where what was asked for cannot be. `places` is empty where nothing can be said of the requests before they run. */
export function chooseEngine(asked: EngineAsked, endpoint: string, places: readonly BatchPlace[]): EngineChoice {
  if (asked === 'direct') return { engine: 'direct', reason: 'It was asked for.' };
  const obstacle = obstacleOf(endpoint, places);
  if (asked === 'provider_batch') {
    if (obstacle === null) return { engine: 'provider_batch', reason: 'It was asked for.' };
    throw new AppError('INVALID_VALUE', { field: 'engine', message: `${obstacle}: let the engine be auto or direct` });
  }
  if (obstacle !== null) return { engine: 'direct', reason: `${obstacle}.` };
  const dear = places.find(({ price }) => partOf(price) >= 1);
  if (dear) return { engine: 'direct', reason: `A batch costs no less for ${dear.model}, and answers later.` };
  return { engine: 'provider_batch', reason: `The batches of ${namesOf(places)} cost ${words(places)}, and every request can go there.` };
}

function obstacleOf(endpoint: string, places: readonly BatchPlace[]): string | null {
  if (endpoint === '/v1/moderations') return 'Moderations go to no batch';
  if (places.length === 0) return 'No request of this job can be asked as it stands, so none can go to a batch';
  const without = places.find(({ hasBatches }) => !hasBatches);
  return without ? `${without.provider} has no batches for ${without.model}` : null;
}

/** Of the price for the same call now. */
function partOf({ inputNanoUsd, outputNanoUsd, batch }: Price): number {
  const whole = inputNanoUsd + outputNanoUsd;
  return batch === undefined || whole === 0 ? 1 : (batch.inputNanoUsd + batch.outputNanoUsd) / whole;
}

function words(places: readonly BatchPlace[]): string {
  const percents = [...new Set(places.map(({ price }) => Math.round(partOf(price) * 100)))];
  const [first = 100] = percents;
  if (percents.length > 1) return 'less';
  return first === 50 ? 'half' : `${100 - first} % less`;
}

function namesOf(places: readonly BatchPlace[]): string {
  return [...new Set(places.map(({ provider }) => provider))].join(' and ');
}
