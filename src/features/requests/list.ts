import { type App, EVERY_PROJECT } from '../../app.ts';
import type { RequestListQuery } from '../../contract/requests.ts';
import { reachOf } from '../../core/reach.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { inOrder, summary } from './request.ts';
import { listPlaces, type Place, readCalls } from './store.ts';
import { readWanted } from './wanted.ts';

const LIMIT = 20;

/** Newest first. A page goes on after the last request of the one before, so that new ones move nothing. */
export async function listRequests(app: App, exchange: Exchange<undefined, RequestListQuery, undefined>): Promise<Reply> {
  const { principal, query } = exchange;
  const { limit = LIMIT, cursor } = query;
  const after = cursor === undefined ? null : readCursor(cursor);
  const wanted = await readWanted(app, principal, query);
  const { places, calls } = await app.inProject(reachOf(principal).projectId ?? EVERY_PROJECT, async (db) => {
    const found = await listPlaces(db, wanted, { after, limit: limit + 1 });
    return { places: found, calls: await readCalls(db, found.slice(0, limit)) };
  });
  const page = places.slice(0, limit);
  const last = page.at(-1);
  const hasMore = places.length > limit;
  const byRequest = Map.groupBy(calls, (call) => call.root_id);
  return {
    json: {
      data: page.flatMap(({ rootId }) => {
        const [first, ...more] = inOrder(byRequest.get(rootId) ?? []);
        return first ? [summary([first, ...more])] : [];
      }),
      has_more: hasMore,
      next_cursor: hasMore && last ? `${last.atMicros}.${last.rootId}` : null,
    },
  };
}

/** What the schema let through. */
function readCursor(cursor: string): Place {
  const end = cursor.indexOf('.');
  return { atMicros: Number(cursor.slice(0, end)), rootId: cursor.slice(end + 1) };
}
