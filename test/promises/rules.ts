import type { Ask } from './ask.ts';
import type { Operation } from './document.ts';

/** What follows for every route from what it is: which requests each of them has to refuse, and with what. A new route needs no line here. */
export type Rule = {
  readonly name: string;
  readonly gives: string;
  readonly to: (operation: Operation) => boolean;
  readonly ask: (operation: Operation, suited: Ask) => Ask;
  /** So many from one address; the last counts. */
  readonly times?: number;
};

const hasBody = ({ body }: Operation): boolean => body !== undefined;
/** Bodies and queries of other vendors' surfaces pass on what we do not know. */
const isOurs = ({ path }: Operation): boolean => !path.startsWith('/v1/');
const canStream = (operation: Operation): boolean => isOurs(operation) && operation.query.some(({ name }) => name === 'stream');
const JSON_TYPE = { 'content-type': 'application/json' };
/** Where a list is a body too. */
const TAKES_LISTS: ReadonlySet<string> = new Set(['/api/v1/jobs/{id}/requests']);
const TOO_LARGE = new Uint8Array(10 * 1024 * 1024 + 1);

/** What a rule gives on a surface where bad input is a 400. */
export function givenBy({ path }: Operation, gives: string): string {
  return path.startsWith('/v1/') ? gives.replace(/^422 /, '400 ') : gives;
}

export const RULES: readonly Rule[] = [
  { name: 'nobody, where a sign-in is needed', gives: '401 UNAUTHORIZED', to: ({ anonymous }) => anonymous === 'never', ask: () => ({ as: 'nobody' }) },
  {
    name: 'a credential that is none, where not everybody may come in',
    gives: '401 UNAUTHORIZED',
    to: ({ anonymous }) => anonymous !== 'always',
    ask: () => ({ as: 'nobody', headers: { authorization: 'Bearer nonsense' } }),
  },
  { name: 'a viewer, where one may only look', gives: '403 FORBIDDEN', to: ({ roles }) => !roles.includes('viewer'), ask: () => ({ as: 'viewer' }) },
  { name: 'a key that is for other routes', gives: '403 FORBIDDEN', to: ({ anonymous }) => anonymous !== 'always', ask: () => ({ as: 'key' }) },
  {
    name: 'a path that cannot be decoded',
    gives: '404 NOT_FOUND',
    to: ({ path }) => path.includes('{'),
    ask: ({ pathExamples }) => ({ path: Object.fromEntries(Object.keys(pathExamples).map((name) => [name, '%zz'])) }),
  },
  { name: 'a body beyond 10 MB', gives: '413 PAYLOAD_TOO_LARGE', to: hasBody, ask: () => ({ body: TOO_LARGE, headers: JSON_TYPE }) },
  { name: 'a body of another type', gives: '415 UNSUPPORTED_MEDIA_TYPE', to: hasBody, ask: () => ({ body: '{}', headers: { 'content-type': 'text/plain' } }) },
  { name: 'a body that is no JSON', gives: '422 INVALID_JSON', to: hasBody, ask: () => ({ body: '{', headers: JSON_TYPE }) },
  { name: 'a body that is no object', gives: '422 INVALID_TYPE', to: hasBody, ask: ({ path }) => ({ json: TAKES_LISTS.has(path) ? 'a text' : [] }) },
  { name: 'an empty object', gives: '422 MISSING_REQUIRED_FIELD', to: ({ needsFields }) => needsFields, ask: () => ({ json: {} }) },
  {
    name: 'an unknown field',
    gives: '422 INVALID_VALUE',
    to: (operation) => hasBody(operation) && isOurs(operation),
    ask: ({ body }, { json }) => ({ json: { ...(json ?? body), nonsense: 1 } }),
  },
  { name: 'an unknown word in the query', gives: '422 INVALID_VALUE', to: isOurs, ask: () => ({ query: '?nonsense=1' }) },
  {
    name: 'a word of the wrong type in the query',
    gives: '422 INVALID_TYPE',
    to: ({ query }) => query.some(({ type }) => type !== 'string'),
    ask: ({ query }) => ({ query: `?${query.find(({ type }) => type !== 'string')?.name}=maybe` }),
  },
  { name: 'more than the limit of an address', gives: '429 RATE_LIMIT_EXCEEDED', to: ({ limited }) => limited, ask: () => ({ as: 'nobody' }), times: 2 },
  {
    name: 'an Idempotency-Key that is too long',
    gives: '422 INVALID_VALUE',
    to: ({ takesKeys }) => takesKeys,
    ask: () => ({ headers: { 'idempotency-key': 'x'.repeat(256) } }),
  },
  { name: 'a stream of events', gives: '200 text/event-stream', to: canStream, ask: () => ({ query: '?stream=true' }) },
  { name: 'a stream of raw text', gives: '200 text/plain', to: canStream, ask: () => ({ query: '?stream=true', headers: { accept: 'text/plain' } }) },
];
