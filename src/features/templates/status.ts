import type { App } from '../../app.ts';
import { judge } from '../../contract/policy.ts';
import { VERSION } from '../../contract/version.ts';
import { BUILT_IN_IDS } from '../../core/builtin-templates.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { listTemplateIds } from './find.ts';

/** What runs here and what it can do. Open to everybody, so a project's own templates are only for those who may read them. */
export async function status(app: App, exchange: Exchange): Promise<Reply> {
  const { principal } = exchange;
  const config = app.config();
  const { size, maxEntries, hits, misses } = app.gateway.cache.stats();
  const mayRead = judge('templates:read', principal, config.allowAnonymous) === 'allowed';
  return {
    json: {
      app_name: config.settings.appName,
      version: VERSION,
      env: config.settings.environment,
      model: config.defaultModel,
      models: app.gateway.models().map(({ name }) => name),
      templates: mayRead ? await listTemplateIds(app, principal.projectId) : BUILT_IN_IDS,
      cache: { size, max_entries: maxEntries, hits, misses },
      cache_size: size,
      uptime_s: Math.round((app.clock.now() - app.lifecycle.startedAt) / 100) / 10,
      state: app.lifecycle.state(),
      calls_in_flight: app.gateway.callsInFlight(),
      anonymous: config.allowAnonymous,
    },
  };
}
