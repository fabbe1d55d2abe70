import { expect, test } from 'bun:test';
import { type Route, route } from './route.ts';
import { createRouter } from './router.ts';

const at = (path: Route['path'], more: Partial<Route> = {}): { readonly route: Route } => ({
  route: route({ method: 'GET', path, summary: path, tag: 'Health', scope: 'public', replies: [], handle: () => ({}), ...more }),
});
const router = createRouter([at('/v1/models'), at('/v1/models/{id}', { isOpenEnded: true }), at('/v1/files/{id}'), at('/v1/files/{id}/content')]);

/** The route that a path leads to, with its parameter. */
function found(path: string): unknown {
  const match = router.find('GET', path);
  return match && 'entry' in match ? [match.entry.route.path, match.params['id']] : match;
}

test.each([
  ['/v1/models', ['/v1/models', undefined]],
  ['/v1/models/demo', ['/v1/models/{id}', 'demo']],
  ['/v1/models/openai/gpt-4o', ['/v1/models/{id}', 'openai/gpt-4o']],
  ['/v1/models/openai%2Fgpt-4o', ['/v1/models/{id}', 'openai/gpt-4o']],
  ['/v1/models/house/meta-llama/llama-4', ['/v1/models/{id}', 'house/meta-llama/llama-4']],
  ['/v1/models/', null],
  ['/v1/models/%zz', null],
  ['/v1/files/a', ['/v1/files/{id}', 'a']],
  ['/v1/files/a/content', ['/v1/files/{id}/content', 'a']],
  // Only where a route says so may its parameter hold slashes.
  ['/v1/files/a/b', null],
])('%s leads to %p', (path, where) => expect(found(path)).toEqual(where));
