import { AppError } from '../../../contract/errors.ts';
import type { Principal } from '../../../contract/policy.ts';
import type { Gateway } from '../../../app/gateway.ts';
import { type CallIds, callIds } from '../../../core/call-ids.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import type { BatchableCall } from '../../../gateway/batched.ts';
import type { Answered } from '../../../http/ask.ts';
import { rowBody } from '../run/row-body.ts';
import type { ClaimedRow, RunningJob } from '../run/store.ts';
import type { JobsApp } from '../run/world.ts';

/** A row as its route is asked for it; twice, once to hear what it would ask a model, and once to say what the model answered. */
export type Asking = {
  readonly job: RunningJob;
  readonly row: ClaimedRow;
  readonly principal: Principal;
  readonly signal: Cancellation;
};

/** The same for all that is asked of an attempt, and another for the next one. */
export function idsOf({ job, row }: Pick<Asking, 'job' | 'row'>): { readonly requestId: string; readonly ids: CallIds } {
  const at = row.ran_at.getTime();
  const name = `${job.id}-${row.line}-${at.toString(36)}`;
  return { requestId: `req_${name}`, ids: callIds(`call_${name}`, at, row.again) };
}

export function askRow(app: JobsApp, { job, row, principal, signal }: Asking, gateway: Gateway, { ids, requestId } = idsOf({ job, row })): Promise<Answered> {
  const { settings, defaultModel } = app.config();
  return app.ask(
    {
      path: job.endpoint,
      body: rowBody(job, row.body, defaultModel),
      principal,
      requestId,
      ids,
      jobId: job.id,
      signal,
      deadline: app.clock.now() + settings.requestTimeoutS * 1000,
      logFields: {},
    },
    gateway,
  );
}

/** What a row asks a model for, or what its route answers without asking one. */
export type Captured = { readonly type: 'call'; readonly asked: BatchableCall } | { readonly type: 'answered'; readonly answered: Answered };

export async function capture(app: JobsApp, asking: Asking): Promise<Captured> {
  const asked: BatchableCall[] = [];
  const written = (call: BatchableCall): Promise<never> => {
    asked.push(call);
    return Promise.reject(new AppError('SERVICE_UNAVAILABLE', { message: 'This call goes to a batch' }));
  };
  const gateway: Gateway = {
    ...app.gateway,
    run: (call) => written({ type: 'chat', call }),
    embed: (call) => written({ type: 'embed', call }),
    moderate: () => Promise.reject(new AppError('INVALID_VALUE', { field: 'engine', message: 'Moderations go to no batch: let the engine be auto or direct' })),
  };
  const answered = await askRow(app, asking, gateway);
  const [call] = asked;
  return call ? { type: 'call', asked: call } : { type: 'answered', answered };
}
