import type { App } from '../../app.ts';
import { invalidValue } from '../../contract/errors.ts';
import { DEFAULT_ENDPOINT, type JobChange, TEMPLATE_ENDPOINT } from '../../contract/jobs.ts';
import type { Principal } from '../../contract/policy.ts';
import type { Db, JobRow, NewJob } from './store.ts';
import { assertModel, templateOf } from './template.ts';

/** The settings of a job, as the database keeps them. */
type Settings = Partial<NewJob>;
type Needs = Pick<App, 'clock' | 'gateway'>;
type Changing = { readonly body: JobChange; readonly principal: Principal; readonly before: Pick<JobRow, 'endpoint' | 'template_id'> | null };

/** The columns that a body names, once it is clear that they fit together and that what they name is there. */
export async function jobColumns(app: Needs, db: Db, { body, principal, before }: Changing): Promise<Settings & Pick<NewJob, 'endpoint' | 'template_id'>> {
  const { endpoint, template_id: templateId } = placeOf(body, before);
  if (body.template_id) await templateOf(db, { projectId: principal.projectId, id: body.template_id });
  if (body.model) assertModel(app, principal, body.model);
  return { ...plainColumns(body), ...timeColumns(body, app.clock.now()), endpoint, template_id: templateId };
}

/** Where requests go, and the template they are filled into: one follows from the other. */
function placeOf(body: JobChange, before: Changing['before']): { readonly endpoint: string; readonly template_id: string | null } {
  const templateId = body.template_id === undefined ? (before?.template_id ?? null) : body.template_id;
  const endpoint = body.endpoint ?? (templateId === null ? withoutTemplate(before) : TEMPLATE_ENDPOINT);
  if (templateId === null && endpoint === TEMPLATE_ENDPOINT) throw invalidValue('template_id', 'must be given where requests go to a template');
  if (templateId !== null && endpoint !== TEMPLATE_ENDPOINT) throw invalidValue('endpoint', `must be ${TEMPLATE_ENDPOINT} with a template`);
  return { endpoint, template_id: templateId };
}

function withoutTemplate(before: Changing['before']): string {
  return before === null || before.endpoint === TEMPLATE_ENDPOINT ? DEFAULT_ENDPOINT : before.endpoint;
}

function plainColumns(body: JobChange): Settings {
  const { name, description, model, max_tokens: maxTokens, temperature, engine, hold, webhook_url: webhookUrl, budget_usd: budget, metadata } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(model === undefined ? {} : { model }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(engine === undefined ? {} : { engine }),
    ...(hold === undefined ? {} : { hold }),
    ...(webhookUrl === undefined ? {} : { webhook_url: webhookUrl }),
    ...(budget === undefined ? {} : { budget_nano_usd: budget === null ? null : Math.round(budget * 1e9) }),
    ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
  };
}

function timeColumns({ schedule, expires_at: expiresAt }: JobChange, nowMs: number): Settings {
  if (expiresAt && Date.parse(expiresAt) <= nowMs) throw invalidValue('expires_at', 'must be in the future');
  const start = schedule?.at === undefined ? null : new Date(schedule.at);
  return {
    ...(schedule === undefined ? {} : { schedule: schedule && JSON.stringify(schedule), not_before: start }),
    // Its copies run, and it itself when it is submitted.
    ...(schedule && 'cron' in schedule ? { hold: true } : {}),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt === null ? null : new Date(expiresAt) }),
  };
}
