import type { Slice } from './ask.ts';

const UPLOAD = 'POST /v1/files';
const LIST = 'GET /v1/files';
const ONE = 'GET /v1/files/{id}';
const CONTENT = 'GET /v1/files/{id}/content';
const DELETE = 'DELETE /v1/files/{id}';

/** A form, as it is sent. */
function form(fields: Readonly<Record<string, string>>): { readonly body: FormData } {
  const body = new FormData();
  for (const [name, text] of Object.entries(fields)) body.append(name, text);
  body.append('file', new File(['hello'], 'a.txt'));
  return { body };
}
const stored = { route: UPLOAD, ...form({ purpose: 'user_data' }) } as const;
const using = ({ id }: Readonly<Record<string, unknown>>) => ({ path: { id: String(id) } });
const LONG = 513 * 1024 * 1024;

export const files: Slice = {
  suited: { [UPLOAD]: form({ purpose: 'user_data' }) },
  cases: [
    { route: UPLOAD, gives: '200 application/json' },
    { route: UPLOAD, gives: '400 MISSING_REQUIRED_FIELD', ...form({}) },
    { route: UPLOAD, gives: '400 INVALID_TYPE', ...form({ purpose: 'batch', 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': 'soon' }) },
    { route: UPLOAD, gives: '400 INVALID_VALUE', ...form({ purpose: 'fun' }) },
    { route: UPLOAD, gives: '413 PAYLOAD_TOO_LARGE', body: new Blob([new Uint8Array(LONG)]), headers: { 'content-type': 'multipart/form-data; boundary=b' } },
    { route: UPLOAD, gives: '415 UNSUPPORTED_MEDIA_TYPE', body: '{}', headers: { 'content-type': 'text/plain' } },
    { route: LIST, gives: '200 application/json', query: '?limit=1' },
    { route: LIST, gives: '400 INVALID_VALUE', query: '?limit=0' },
    { route: ONE, gives: '200 application/json', given: stored, using },
    { route: ONE, gives: '400 INVALID_VALUE', query: '?limit=1&limit=2' },
    { route: CONTENT, gives: '200 application/octet-stream', given: stored, using },
    { route: CONTENT, gives: '206 application/octet-stream', given: stored, using, headers: { range: 'bytes=1-2' } },
    { route: CONTENT, gives: '400 INVALID_VALUE', query: '?limit=1&limit=2' },
    { route: DELETE, gives: '200 application/json', given: stored, using },
    { route: DELETE, gives: '400 INVALID_VALUE', query: '?limit=1&limit=2' },
  ],
};
