import type { App } from '../../app.ts';
import { CacheClearedReply, CacheStatsReply } from '../../contract/models.ts';
import { type Exchange, type Reply, type Route, route } from '../../http/route.ts';

export const cacheRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/cache',
    summary: 'Size and use of the cache',
    tag: 'Cache',
    scope: 'cache:read',
    replies: [{ status: 200, description: 'The state of the cache.', type: 'application/json', schema: CacheStatsReply }],
    handle: showCache,
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/cache',
    summary: "Empty the cache of one's project",
    tag: 'Cache',
    scope: 'cache:write',
    replies: [{ status: 200, description: 'How many answers went.', type: 'application/json', schema: CacheClearedReply }],
    handle: clearCache,
  }),
];

function showCache(app: App): Reply {
  const stats = app.gateway.cache.stats();
  return {
    json: {
      size: stats.size,
      bytes: stats.bytes,
      max_entries: stats.maxEntries,
      max_bytes: stats.maxBytes,
      hits: stats.hits,
      misses: stats.misses,
      saved_usd: stats.savedNanoUsd / 1e9,
    },
  };
}

function clearCache(app: App, exchange: Exchange): Reply {
  return { json: { deleted: app.gateway.cache.clear(exchange.principal.projectId) } };
}
