import type { Clock, Config } from '../app.ts';
import type { CacheControl } from '../app/gateway.ts';
import type { Answer } from '../core/events.ts';
import { recency, type Used } from './recency.ts';

/** Step three: answers that were given before. Bounded by entries and by bytes, the least recently used go first. */
export type CachedAnswer = { readonly answer: Answer; readonly provider: string; readonly model: string; readonly costNanoUsd: number };

export type AnswerCache = CacheControl & {
  readonly isOn: () => boolean;
  readonly get: (key: string) => CachedAnswer | null;
  readonly put: (key: string, projectId: string, cached: CachedAnswer) => void;
};

type Entry = { readonly key: string; readonly cached: CachedAnswer; readonly projectId: string; readonly bytes: number; readonly expiresAt: number };

/** What an entry takes besides its texts: key, object and map slots, measured roughly. */
const ENTRY_OVERHEAD_BYTES = 600;

export function createAnswerCache(needs: { readonly clock: Pick<Clock, 'now'>; readonly config: () => Pick<Config, 'settings'> }): AnswerCache {
  const entries = new Map<string, Used<Entry>>();
  const order = recency<Entry>();
  let bytes = 0;
  let hits = 0;
  let misses = 0;
  let savedNanoUsd = 0;

  const drop = (used: Used<Entry>): void => {
    entries.delete(used.item.key);
    order.remove(used);
    bytes -= used.item.bytes;
  };
  const isFull = (): boolean => entries.size > needs.config().settings.cacheMaxEntries || bytes > needs.config().settings.cacheMaxBytes;
  const makeRoom = (): void => {
    for (let oldest = order.oldest(); oldest !== null && isFull(); oldest = order.oldest()) drop(oldest);
  };

  return {
    isOn: () => needs.config().settings.cacheMaxEntries > 0 && needs.config().settings.cacheTtlS > 0,
    get(key) {
      const used = entries.get(key);
      if (!used || used.item.expiresAt <= needs.clock.now()) {
        if (used) drop(used);
        misses++;
        return null;
      }
      order.use(used);
      hits++;
      savedNanoUsd += used.item.cached.costNanoUsd;
      return used.item.cached;
    },
    put(key, projectId, cached) {
      const before = entries.get(key);
      if (before) drop(before);
      const entry: Entry = { key, cached, projectId, bytes: sizeOf(cached.answer), expiresAt: needs.clock.now() + needs.config().settings.cacheTtlS * 1000 };
      entries.set(key, order.add(entry));
      bytes += entry.bytes;
      makeRoom();
    },
    clear(projectId) {
      const own = [...entries.values()].filter((used) => used.item.projectId === projectId);
      for (const used of own) drop(used);
      return own.length;
    },
    stats() {
      const { cacheMaxEntries, cacheMaxBytes } = needs.config().settings;
      return { size: entries.size, bytes, maxEntries: cacheMaxEntries, maxBytes: cacheMaxBytes, hits, misses, savedNanoUsd };
    },
  };
}

/** Strings are counted at two bytes a character: the most that the engine takes for them. */
function sizeOf(answer: Answer): number {
  const tools = answer.toolCalls.reduce((sum, tool) => sum + tool.arguments.length + tool.name.length + tool.id.length, 0);
  return ENTRY_OVERHEAD_BYTES + 2 * (answer.text.length + answer.reasoning.length + answer.refusal.length + tools);
}
