import type { HttpRequest } from './connection.ts';
import type { Marks } from './play.ts';

/** Every call that came, what became of it, and when. */
export type RecordedCall = Readonly<Marks> & {
  readonly index: number;
  readonly connection: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
  /** Parsed; undefined where it is no JSON. */
  readonly body: unknown;
  /** Times are milliseconds of `performance.now()` in the fake's process. */
  readonly startedAt: number;
  /** The caller closed the connection before the answer was out. */
  readonly closedByClientAt: number | null;
  /** Which rule was used, by its place in the script. */
  readonly rule: number | null;
};

export type OpenCall = { -readonly [Field in keyof RecordedCall]: RecordedCall[Field] };
export type CallCounts = { readonly calls: number; readonly active: number; readonly activePeak: number };

export type CallLog = {
  readonly calls: () => readonly RecordedCall[];
  readonly counts: () => CallCounts;
  readonly open: (request: HttpRequest, read: Pick<RecordedCall, 'bodyText' | 'body' | 'rule'>) => OpenCall;
  readonly over: (call: OpenCall) => void;
  readonly clear: () => void;
  readonly until: (condition: (calls: readonly RecordedCall[]) => boolean) => Promise<void>;
};

export function callLog(callsKept: number): CallLog {
  let calls: OpenCall[] = [];
  let opened = 0;
  let activePeak = 0;
  const active = new Set<OpenCall>();
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const check of waiting) check();
  };
  return {
    calls: () => calls,
    counts: () => ({ calls: opened, active: active.size, activePeak }),
    open({ method, path, query, headers, connection }, read) {
      const times = { startedAt: performance.now(), headAt: null, firstPieceAt: null, endedAt: null, brokenOffAt: null, closedByClientAt: null };
      const call: OpenCall = { index: opened, connection, method, path, query: query.toString(), headers, ...read, ...times, pieces: 0 };
      opened += 1;
      active.add(call);
      activePeak = Math.max(activePeak, active.size);
      if (calls.length >= callsKept) calls = calls.slice(Math.ceil(callsKept / 2));
      calls.push(call);
      if (waiting.size > 0) changed();
      return call;
    },
    over(call) {
      active.delete(call);
      changed();
    },
    clear() {
      calls = [];
      opened = 0;
      activePeak = active.size;
    },
    async until(condition) {
      if (condition(calls)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const check = (): void => {
        if (condition(calls)) resolve();
      };
      waiting.add(check);
      await promise;
      waiting.delete(check);
    },
  };
}
