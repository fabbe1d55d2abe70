import type { App } from '../../../app.ts';
import type { Reply } from '../../../http/route.ts';
import { eachOutcome } from '../rows/outcomes.ts';
import type { Outcome } from '../rows/store.ts';
import { messageBatchAt, type OfOne } from './show.ts';

/** What came of each request, as far as it came. */
export async function sendResults(app: App, exchange: OfOne): Promise<Reply> {
  const job = await app.inProject(exchange.principal.projectId, (db) => messageBatchAt(db, exchange));
  const pages = eachOutcome(app, job);
  // Read before the head goes out, so that what is wrong has a status of its own.
  let next = await pages.next();
  return {
    headers: { 'content-type': 'application/x-jsonl' },
    async stream(sink) {
      for (; next.done !== true && !exchange.signal.aborted; next = await pages.next()) await sink.write(next.value.map(line).join(''));
    },
  };
}

/** An answer is put in as the text that it is kept as. */
function line({ custom_id: customId, response, error, status_code: status }: Outcome): string {
  const head = `{"custom_id":${JSON.stringify(customId)},"result":`;
  if (error === null) return `${head}{"type":"succeeded","message":${response}}}\n`;
  if (error.code === 'batch_cancelled') return `${head}{"type":"canceled"}}\n`;
  if (error.code === 'batch_expired') return `${head}{"type":"expired"}}\n`;
  const said =
    status === null || response === null ? JSON.stringify({ type: 'error', error: { type: 'api_error', message: error.message }, request_id: null }) : response;
  return `${head}{"type":"errored","error":${said}}}\n`;
}
