import type { ModelCall, RunningCall } from '../app/gateway.ts';
import type { Answer, Usage } from '../core/events.ts';
import type { Given } from '../core/model-request.ts';
import { cacheUse, callHeaders, costHeaders, readWords } from './answer.ts';
import { type Exchange, JSON_TYPE, type Reply } from './route.ts';

/** What the surfaces in the words of other vendors have in common. */

type Told = { readonly cache: ModelCall['cache']; readonly given?: Given };

/**
 * Whether the cache is used, which is off here unless the caller says `X-Cache-Control: on`. An answer that others may get is made of what all
 * providers can be told, and said in our words; all others are asked in the caller's.
 */
export function toldBy({ request }: Pick<Exchange, 'request'>, given: Given): Told {
  const wanted = request.headers.get('x-cache-control')?.toLowerCase() === 'on' && given.untold.length === 0;
  const cache = wanted ? cacheUse(request.headers.get('cache-control')) : 'off';
  return cache === 'off' ? { cache, given } : { cache };
}

/** The whole answer: as it came where the provider was asked in the caller's words, else as `said` says it in them. */
export async function answerInWords(exchange: Exchange, running: RunningCall, said: (answer: Answer, usage: Usage) => unknown): Promise<Reply> {
  const { answer, words } = await readWords(running);
  const receipt = running.receipt();
  const headers = { ...callHeaders(running), ...costHeaders(exchange, running, receipt) };
  if (words !== null) return { headers: { ...headers, 'content-type': JSON_TYPE }, text: words };
  return { headers, json: said(answer, receipt.usage) };
}
