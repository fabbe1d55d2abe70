import type { CallLog } from './call-log.ts';
import type { HttpRequest, Wire } from './connection.ts';
import { isRecord, parseJson } from './json.ts';
import { plainBytes } from './plan.ts';
import { json, refused } from './reply.ts';
import type { Rule } from './rule.ts';
import type { Counts } from './server.ts';
import type { BatchLifecycle } from './store.ts';

/** How a test steers the fake: in its own process by these functions, from another one by the same over HTTP. */
export type FakeControl = {
  /** The calls since the last reset, oldest first. */
  readonly calls: CallLog['calls'];
  readonly counts: () => Counts;
  /** Replaces all rules; the first that matches a call counts. */
  readonly script: (rules: Rule | Rule[]) => void;
  readonly setBatches: (lifecycle: BatchLifecycle) => void;
  /** Rules, calls, counts, files and batches begin anew; open connections stay. */
  readonly reset: () => void;
};

export function answerControl(control: FakeControl, request: HttpRequest, wire: Wire): void {
  const outcome = steer(control, request.path, parseJson(request.body.toString()));
  const reply =
    outcome === undefined ? refused('openai', 404, 'Known are GET state and counts, POST script, batches and reset, all under /__fake/.') : json(outcome);
  if (reply.kind === 'whole') void wire.send(plainBytes(reply, { rule: {}, vendor: 'openai', requestId: 'req_fake_control' }));
  wire.done();
}

function steer(control: FakeControl, path: string, body: unknown): unknown {
  switch (path) {
    case '/__fake/state':
      return { counts: control.counts(), calls: control.calls() };
    case '/__fake/counts':
      return control.counts();
    case '/__fake/script':
      if (!isRecord(body) && !Array.isArray(body)) return undefined;
      control.script(body as Rule | Rule[]);
      return { ok: true };
    case '/__fake/batches':
      if (!isRecord(body)) return undefined;
      control.setBatches(body as BatchLifecycle);
      return { ok: true };
    case '/__fake/reset':
      control.reset();
      return { ok: true };
    default:
      return undefined;
  }
}
