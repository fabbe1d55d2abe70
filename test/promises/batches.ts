import type { Slice } from './ask.ts';

/** An empty file, and a batch that is over. */
export const SEEN_BATCH = `
  insert into files (id, project_id, purpose, filename, bytes, sha256, created_at) values ('file-seen', 'default', 'batch', 'seen.jsonl', 0, '', now());
  insert into batch_jobs (id, project_id, creator, surface, name, status, endpoint, input_file_id)
  values ('batch_seen', 'default', '{"kind": "anonymous", "id": null}', 'openai', 'seen', 'completed', '/v1/chat/completions', 'file-seen')`;

const CREATE = 'POST /v1/batches';
const LIST = 'GET /v1/batches';
const ONE = 'GET /v1/batches/{id}';
const CANCEL = 'POST /v1/batches/{id}/cancel';

const batch = { input_file_id: 'file-seen', endpoint: '/v1/chat/completions', completion_window: '24h' };
const made = { route: CREATE, json: batch } as const;
const seen = { path: { id: 'batch_seen' } } as const;
const using = ({ id }: Readonly<Record<string, unknown>>) => ({ path: { id: String(id) } });

export const batches: Slice = {
  suited: { [CREATE]: { json: batch } },
  cases: [
    { route: CREATE, gives: '400 INVALID_VALUE', json: { ...batch, input_file_id: 'file-nothing' } },
    { route: LIST, gives: '200 application/json', query: '?limit=1' },
    { route: LIST, gives: '400 INVALID_VALUE', query: '?limit=0' },
    { route: ONE, gives: '200 application/json', ...seen },
    { route: ONE, gives: '400 INVALID_VALUE', query: '?limit=1&limit=2' },
    { route: CANCEL, gives: '200 application/json', given: made, using },
    { route: CANCEL, gives: '400 INVALID_VALUE', query: '?limit=1&limit=2' },
    { route: CANCEL, gives: '409 CONFLICT', ...seen },
  ],
};
