import type { App } from '../../app.ts';
import type { StreamHead } from '../../app/keeping.ts';
import { AppError } from '../../contract/errors.ts';
import type { StreamParams } from '../../contract/streams.ts';
import { callerName, reading } from '../../http/recorded.ts';
import type { Exchange, Reply } from '../../http/route.ts';

type Asked = Exchange<StreamParams>;

export async function readOn(app: App, exchange: Asked): Promise<Reply> {
  const after = lastNumber(exchange);
  return reading(app, exchange, await own(app, exchange), after);
}

export async function cancel(app: App, exchange: Asked): Promise<Reply> {
  await app.streams.cancel(await own(app, exchange));
  return { status: 204 };
}

/** To somebody else it is not there. */
async function own(app: App, { params: { id }, principal }: Asked): Promise<Omit<StreamHead, 'caller'>> {
  const found = await app.streams.find(id, principal.projectId, callerName(principal));
  if (found === null) throw new AppError('NOT_FOUND', { message: `There is no stream ${id.slice(0, 100)}, or its ten minutes are over` });
  return { id, projectId: principal.projectId, ...found };
}

const HEADER = 'Last-Event-ID';

/** The number of the last event that the caller has; 0 where it has none. */
function lastNumber({ request, params: { id } }: Asked): number {
  const given = request.headers.get(HEADER) ?? '';
  if (given === '') return 0;
  const number = given.startsWith(`${id}:`) ? given.slice(id.length + 1) : '';
  if (/^\d{1,9}$/.test(number)) return Number(number);
  throw new AppError('INVALID_VALUE', {
    field: HEADER,
    message: `${HEADER} must be the id of an event of this stream, such as ${id.slice(0, 100)}:17`,
    details: { received: given.slice(0, 200) },
  });
}
