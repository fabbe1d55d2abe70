import type { App } from '../../app.ts';
import type { ResponseItem, ResponseItemsQuery, ResponseParams } from '../../contract/responses.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { turnItems } from '../../wire/responses-asked.ts';
import { deleteResponse, type Place, readChain } from './store.ts';
import { noResponse, responseAt } from './stored.ts';

type OfOne<Query = unknown> = Exchange<ResponseParams, Query, undefined>;

export async function showResponse(app: App, exchange: OfOne): Promise<Reply> {
  const { response } = await responseAt(app, placeOf(exchange));
  return { json: response };
}

export async function removeResponse(app: App, exchange: OfOne): Promise<Reply> {
  const place = placeOf(exchange);
  await responseAt(app, place);
  if (!(await app.inProject(place.projectId, (db) => deleteResponse(db, place)))) throw noResponse(place.id);
  return { json: { id: place.id, object: 'response', deleted: true } };
}

const LIMIT = 20;

/** All that the model was asked with: what came before, as far as it is still stored, and the input itself. */
export async function listInputItems(app: App, exchange: OfOne<ResponseItemsQuery>): Promise<Reply> {
  const place = placeOf(exchange);
  const { input, previous_id: previousId } = await responseAt(app, place);
  const before = previousId === null ? [] : await app.inProject(place.projectId, (db) => readChain(db, { ...place, id: previousId }));
  const items = [...before.flatMap(turnItems), ...input].map(named);
  const { limit = LIMIT, order = 'desc', after } = exchange.query;
  const ordered = order === 'asc' ? items : items.toReversed();
  const rest = ordered.slice(after === undefined ? 0 : ordered.findIndex((item) => item.id === after) + 1);
  const data = rest.slice(0, limit);
  return { json: { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: rest.length > limit } };
}

/** A provider may have said an item without an id. */
function named(item: ResponseItem, index: number): ResponseItem {
  return { ...item, type: item.type ?? 'message', id: item.id ?? `item_${index}` };
}

export function placeOf({ principal, params }: OfOne): Place {
  return { projectId: principal.projectId, id: params.id };
}
