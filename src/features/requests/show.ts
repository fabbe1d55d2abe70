import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { RequestParams } from '../../contract/requests.ts';
import { reachOf } from '../../core/reach.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { inOrder, requestCall, summary } from './request.ts';
import { findPlace, readBodies, readCalls } from './store.ts';
import { ownRequests } from './wanted.ts';

export async function showRequest(app: App, { principal, params }: Exchange<RequestParams, undefined, undefined>): Promise<Reply> {
  const json = await app.inProject(reachOf(principal).projectId ?? EVERY_PROJECT, async (db) => {
    const place = await findPlace(db, { conditions: ownRequests(principal), id: params.id });
    const [first, ...more] = place === null ? [] : inOrder(await readCalls(db, [place]));
    if (place === null || first === undefined) return null;
    const calls = [first, ...more];
    const bodies = await readBodies(
      db,
      place,
      calls.map(({ id }) => id),
    );
    const bodyOf = new Map(bodies.map(({ id, request, response }) => [id, { request, response }]));
    return { ...summary([first, ...more]), calls: calls.map((call) => requestCall(call, bodyOf.get(call.id) ?? null)) };
  });
  if (json === null) throw new AppError('NOT_FOUND', { message: `There is no request ${JSON.stringify(params.id.slice(0, 200))} that asked a model` });
  return { json };
}
