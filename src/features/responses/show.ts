import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { ResponseItem, ResponseItemsQuery, ResponseParams, ResponseQuery } from '../../contract/responses.ts';
import { reading } from '../../http/recorded.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { turnItems } from '../../wire/responses-asked.ts';
import { deleteResponse, type Place, readChain, settle } from './store.ts';
import { noResponse, responseAt } from './stored.ts';

type OfOne<Query = unknown> = Exchange<ResponseParams, Query, undefined>;

export async function showResponse(app: App, exchange: OfOne<ResponseQuery>): Promise<Reply> {
  const place = placeOf(exchange);
  const { response, isStreamed, stream_id: streamId } = await responseAt(app, place);
  if (exchange.query.stream !== true) return { json: response };
  if (streamId === null || !isStreamed) {
    throw new AppError('INVALID_VALUE', {
      field: 'stream',
      message: 'This response cannot be streamed: only one in the background can, until ten minutes after its end',
    });
  }
  const { starting_after: after = -1 } = exchange.query;
  return reading(app, exchange, { id: streamId, projectId: place.projectId, surface: 'openai', requestId: exchange.requestId }, after + 1);
}

/** One that is over stays as it is. */
export async function cancelResponse(app: App, exchange: OfOne): Promise<Reply> {
  const place = placeOf(exchange);
  const { response, running, stream_id: streamId } = await responseAt(app, place);
  if (streamId === null) throw new AppError('INVALID_VALUE', { field: 'id', message: 'Only a response in the background can be cancelled' });
  if (!running) return { json: response };
  const cancelled = { ...response, status: 'cancelled' };
  const wasRunning = await app.inProject(place.projectId, (db) => settle(db, place, cancelled));
  await app.streams.cancel({ id: streamId, projectId: place.projectId });
  return { json: wasRunning ? cancelled : (await responseAt(app, place)).response };
}

export async function removeResponse(app: App, exchange: OfOne): Promise<Reply> {
  const place = placeOf(exchange);
  const { running, stream_id: streamId } = await responseAt(app, place);
  if (running && streamId !== null) await app.streams.cancel({ id: streamId, projectId: place.projectId });
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

function placeOf({ principal, params }: OfOne): Place {
  return { projectId: principal.projectId, id: params.id };
}
