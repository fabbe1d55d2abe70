import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import type { RequestParams, RequestReply } from '../../contract/requests.ts';
import { reachOf } from '../../core/reach.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { inOrder, requestCall, summary } from './request.ts';
import { findPlace, readBodies, readCalls } from './store.ts';
import { ownRequests } from './wanted.ts';

export async function showRequest(app: App, { principal, params }: Exchange<RequestParams, undefined, undefined>): Promise<Reply> {
  const json = IDS.test(params.id) ? await readRequest(app, principal, params.id) : null;
  if (json === null) throw new AppError('NOT_FOUND', { message: `There is no request ${JSON.stringify(params.id.slice(0, 200))} that asked a model` });
  return { json };
}

/** What an id is made of, ours or a caller's. Nothing else is looked for in the database, which does not take every text. */
const IDS = /^[\w.:-]{1,150}$/;

function readRequest(app: Pick<App, 'inProject'>, principal: Principal, id: string): Promise<RequestReply | null> {
  return app.inProject(reachOf(principal).projectId ?? EVERY_PROJECT, async (db) => {
    const place = await findPlace(db, { conditions: ownRequests(principal), id });
    const [first, ...more] = place === null ? [] : inOrder(await readCalls(db, [place]));
    if (place === null || first === undefined) return null;
    const calls = [first, ...more];
    const bodies = await readBodies(
      db,
      place,
      calls.map((call) => call.id),
    );
    const bodyOf = new Map(bodies.map((body) => [body.id, { request: body.request, response: body.response }]));
    return { ...summary([first, ...more]), calls: calls.map((call) => requestCall(call, bodyOf.get(call.id) ?? null)) };
  });
}
