import type { CacheControl, Clock, Config } from '../app.ts';
import type { Answer } from '../core/events.ts';

/** Step three: answers that were given before. Bounded by entries and by bytes, the least recently used go first. */
export type CachedAnswer = { readonly answer: Answer; readonly provider: string; readonly model: string; readonly costNanoUsd: number };

export type AnswerCache = CacheControl & {
  readonly isOn: () => boolean;
  readonly get: (key: string) => CachedAnswer | null;
  readonly put: (key: string, projectId: string, cached: CachedAnswer) => void;
};

type Entry = { readonly cached: CachedAnswer; readonly projectId: string; readonly bytes: number; readonly expiresAt: number };

/** What an entry takes besides its texts: key, object and map slots, measured roughly. */
const ENTRY_OVERHEAD_BYTES = 600;

export function createAnswerCache(needs: { readonly clock: Pick<Clock, 'now'>; readonly config: () => Pick<Config, 'settings'> }): AnswerCache {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  let hits = 0;
  let misses = 0;
  let savedNanoUsd = 0;

  const drop = (key: string, entry: Entry): void => {
    entries.delete(key);
    bytes -= entry.bytes;
  };
  const makeRoom = (): void => {
    const { cacheMaxEntries, cacheMaxBytes } = needs.config().settings;
    for (const [key, entry] of entries) {
      if (entries.size <= cacheMaxEntries && bytes <= cacheMaxBytes) return;
      drop(key, entry);
    }
  };

  return {
    isOn: () => needs.config().settings.cacheMaxEntries > 0 && needs.config().settings.cacheTtlS > 0,
    get(key) {
      const entry = entries.get(key);
      if (!entry || entry.expiresAt <= needs.clock.now()) {
        if (entry) drop(key, entry);
        misses++;
        return null;
      }
      // The map keeps the order of insertion: put anew, it is the most recently used.
      entries.delete(key);
      entries.set(key, entry);
      hits++;
      savedNanoUsd += entry.cached.costNanoUsd;
      return entry.cached;
    },
    put(key, projectId, cached) {
      const before = entries.get(key);
      if (before) drop(key, before);
      const entry = { cached, projectId, bytes: sizeOf(cached.answer), expiresAt: needs.clock.now() + needs.config().settings.cacheTtlS * 1000 };
      entries.set(key, entry);
      bytes += entry.bytes;
      makeRoom();
    },
    clear(projectId) {
      let cleared = 0;
      for (const [key, entry] of entries) {
        if (entry.projectId !== projectId) continue;
        drop(key, entry);
        cleared++;
      }
      return cleared;
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
