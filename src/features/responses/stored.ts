import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { ResponseItem, ResponsesBody } from '../../contract/responses.ts';
import { storedItems, turnItems } from '../../wire/responses-asked.ts';
import { failedResponse } from '../../wire/responses-said.ts';
import { findResponse, insertResponse, type Place, readChain, removeExpired, settle, type StoredResponse } from './store.ts';

/** As long as the vendor keeps them. */
const KEPT_MS = 30 * 86_400_000;

type Json = Readonly<Record<string, unknown>>;
export type Storing = { readonly projectId: string; readonly requestId: string; readonly body: ResponsesBody };

/** Stores what a caller is about to be given; the answer is what it is to be given, which says so where that could not be. */
export async function keepResponse(app: Pick<App, 'inProject' | 'clock' | 'newId' | 'log'>, storing: Storing, response: Json): Promise<Json> {
  const { projectId, requestId, body } = storing;
  if (body.store === false) return response;
  const { id } = response;
  const createdAt = new Date(app.clock.now());
  try {
    if (typeof id !== 'string' || !isResponseId(id)) throw new Error('the provider gave it no id that can be stored');
    const input = storedItems(body, app.newId);
    const expiresAt = new Date(createdAt.getTime() + KEPT_MS);
    const row = { projectId, id, previousId: body.previous_response_id ?? null, input, response, streamId: null, createdAt, expiresAt };
    // One statement that names its project: a transaction for it would be four round trips on the way of every answer.
    await app.inProject(EVERY_PROJECT, (db) => insertResponse(db, row));
    return response;
  } catch (cause) {
    app.log.warning('a response could not be stored', { request_id: requestId, reason: cause instanceof Error ? cause.message : String(cause) });
    return { ...response, store: false };
  }
}

type Begun = { readonly id: string; readonly response: Json; readonly streamId: string };

/** Stores one that goes on in the background. */
export async function keepBegun(app: Pick<App, 'inProject' | 'clock' | 'newId'>, { projectId, body }: Storing, begun: Begun): Promise<void> {
  const createdAt = new Date(app.clock.now());
  const row = {
    ...begun,
    projectId,
    previousId: body.previous_response_id ?? null,
    input: storedItems(body, app.newId),
    createdAt,
    expiresAt: new Date(createdAt.getTime() + KEPT_MS),
  };
  await app.inProject(projectId, (db) => insertResponse(db, row));
}

const SETTLE_TRIES = 60;
const SETTLE_WAIT_MS = 1000;

/** Stores what became of one in the background, unless it was cancelled or deleted meanwhile. A database that is away is waited for. */
export async function settleResponse(app: Pick<App, 'inProject' | 'clock' | 'log'>, place: Place, response: Json): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await app.inProject(place.projectId, (db) => settle(db, place, response));
      return;
    } catch (cause) {
      if (tries === SETTLE_TRIES) {
        app.log.warning('what became of a response could not be stored', { response: place.id, reason: String(cause) });
        return;
      }
      await app.clock.sleep(SETTLE_WAIT_MS);
    }
  }
}

/** The items of a response and of all before it, as the next one is asked with them. */
export async function itemsBefore(app: Pick<App, 'inProject'>, place: Place): Promise<readonly ResponseItem[]> {
  const chain = isResponseId(place.id) ? await app.inProject(place.projectId, (db) => readChain(db, place)) : [];
  const [first] = chain;
  const last = chain.at(-1);
  if (!first || !last) throw cannotContinue(place, 'there is no such response');
  if (first.previous_id !== null) throw cannotContinue(place, 'a response that it continues is not stored any more');
  if (last.response['status'] !== 'completed' && last.response['status'] !== 'incomplete') {
    throw cannotContinue(place, `that response is ${String(last.response['status'])}`);
  }
  return chain.flatMap(turnItems);
}

function cannotContinue({ id }: Place, why: string): AppError {
  return new AppError('INVALID_VALUE', { field: 'previous_response_id', message: `${JSON.stringify(id.slice(0, 200))} cannot be continued: ${why}` });
}

export async function responseAt(app: Pick<App, 'inProject'>, place: Place): Promise<StoredResponse> {
  const found = isResponseId(place.id) ? await app.inProject(place.projectId, (db) => findResponse(db, place)) : null;
  if (!found) throw noResponse(place.id);
  if (!found.isLost) return found;
  const response = failedResponse(found.response, LOST);
  await app.inProject(place.projectId, (db) => settle(db, place, response));
  return { ...found, response, running: false };
}

const LOST = { message: 'The process that worked on this response ended before it did', type: 'server_error', param: null, code: 'internal_error' } as const;

export function noResponse(id: string): AppError {
  return new AppError('NOT_FOUND', { message: `There is no response ${JSON.stringify(id.slice(0, 200))}` });
}

/** What an id is made of, ours or a provider's. Nothing else is looked for in the database, which does not take every text. */
function isResponseId(id: string): boolean {
  return /^[\w.:-]{1,200}$/.test(id);
}

/** What was kept long enough goes. */
export function purgeResponses(app: Pick<App, 'inProject' | 'clock'>): Promise<void> {
  return app.inProject(EVERY_PROJECT, (db) => removeExpired(db, new Date(app.clock.now())));
}
