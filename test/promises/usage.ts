import { ledgerCall } from '../usage/call.ts';
import type { Slice } from './ask.ts';

/** A request that was answered before, of the id that the document shows. */
const SEEN = ledgerCall({ id: 'call_seen', at: new Date(Date.now() - 60_000).toISOString(), request_id: 'req_01k5m2v8y3f7q9a4c6e8g0j2n4' });
export const SEEN_CALL = `select settle('test', '${JSON.stringify([SEEN])}')`;

export const usage: Slice = {
  suited: {},
  cases: [
    { route: 'GET /api/v1/usage/export', gives: '200 application/jsonl', query: '?format=jsonl' },
    { route: 'GET /api/v1/requests/{id}', gives: '404 NOT_FOUND', path: { id: 'req_nothing' } },
  ],
};
