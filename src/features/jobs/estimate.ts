import type { App } from '../../app.ts';
import type { JobEstimate, JobParams } from '../../contract/jobs.ts';
import type { Principal } from '../../contract/policy.ts';
import { bodyTokens, type Cost, estimateJob, type Reckoned, sampleLines } from '../../core/job-estimate.ts';
import { usdOf } from '../../core/money.ts';
import type { Candidate } from '../../core/routing.ts';
import type { Template } from '../../core/template.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { sampleBodies } from './rows/store.ts';
import { rowBody } from './run/row-body.ts';
import { jobAt } from './show.ts';
import type { JobRow } from './store.ts';
import { templateOf } from './template.ts';

/** Enough to know a mean within a few hundredths, and read in a moment. */
const SAMPLE_MAX = 500;

/** What a job will cost, one by one and as a batch, before anything of it is asked. */
export async function estimate(app: App, { principal, params }: Exchange<JobParams, undefined, undefined>): Promise<Reply> {
  const { job, bodies, template } = await app.inProject(principal.projectId, async (db) => {
    const found = await jobAt(db, principal, params.id);
    return {
      job: found,
      bodies: await sampleBodies(db, found.id, sampleLines(found.total_requests, SAMPLE_MAX)),
      template: found.template_id === null ? null : await templateOf(db, { projectId: found.project_id, id: found.template_id }),
    };
  });
  const placeOf = places(app, principal);
  const sample = bodies.map((body) => reckon(app, { job, template, body, placeOf }));
  return { json: estimateReply(job, sample) };
}

type Sampled = Reckoned & { readonly model: string; readonly priceAssumed: boolean };
type PlaceOf = (model: string) => Candidate | undefined;
type Reckoning = { readonly job: JobRow; readonly template: Template | null; readonly body: Readonly<Record<string, unknown>>; readonly placeOf: PlaceOf };

/** Where requests for a model would go now; each model is looked up once. */
function places({ gateway }: Pick<App, 'gateway'>, principal: Principal): PlaceOf {
  const known = new Map<string, Candidate | undefined>();
  return (model) => {
    if (!known.has(model)) {
      const asked = { inputTokens: 0, maxTokens: undefined, capabilities: [] };
      known.set(model, gateway.explain({ principal, model, session: undefined, asked }).order[0]?.candidate);
    }
    return known.get(model);
  };
}

function reckon(app: Pick<App, 'config'>, { job, template, body, placeOf }: Reckoning): Sampled {
  const { settings, defaultModel } = app.config();
  const asked = rowBody(job, body, defaultModel);
  const model = typeof asked['model'] === 'string' ? asked['model'] : (template?.model ?? defaultModel);
  const candidate = placeOf(model);
  const texts = template?.messages.map(({ content }) => content) ?? [];
  return {
    model,
    inputTokens: bodyTokens(body, texts),
    maxTokens: saysNothing(job.endpoint) ? 0 : (maxTokensOf(asked) ?? template?.max_tokens ?? longest(job, candidate, settings.defaultMaxTokens)),
    price: candidate?.price ?? FREE,
    priceAssumed: candidate?.priceAssumed ?? true,
  };
}

const FREE = { inputNanoUsd: 0, outputNanoUsd: 0, asOf: null, source: 'nobody can answer it' };

/** Its answers are no words of a model. */
function saysNothing(endpoint: string): boolean {
  return endpoint === '/v1/embeddings' || endpoint === '/v1/moderations';
}

function maxTokensOf(asked: Readonly<Record<string, unknown>>): number | null {
  for (const name of ['max_completion_tokens', 'max_output_tokens', 'max_tokens']) {
    const said = asked[name];
    if (typeof said === 'number') return said;
  }
  return null;
}

/** Templates have a longest answer of their own; elsewhere it is the model's. */
function longest({ template_id: templateId }: JobRow, candidate: Candidate | undefined, defaultMaxTokens: number): number {
  return templateId === null ? (candidate?.facts.outputTokensMax ?? defaultMaxTokens) : defaultMaxTokens;
}

function estimateReply(job: JobRow, sample: readonly Sampled[]): JobEstimate {
  const { inputTokens, outputTokens, maxOutputTokens, direct, batch } = estimateJob(sample, job.total_requests);
  const byModel = Map.groupBy(sample, ({ model }) => model);
  const models = [...byModel].map(([model, all]) => ({
    model,
    requests: Math.round((all.length * job.total_requests) / sample.length),
    price_assumed: all.some(({ priceAssumed }) => priceAssumed),
  }));
  return {
    requests: job.total_requests,
    sampled_requests: sample.length,
    models,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    max_output_tokens: maxOutputTokens,
    direct: priceReply(direct),
    provider_batch: batch && priceReply(batch),
    saved_usd: batch ? usdOf(direct.nanoUsd - batch.nanoUsd) : 0,
    budget_usd: job.budget_nano_usd === null ? null : usdOf(job.budget_nano_usd),
  };
}

function priceReply({ nanoUsd, maxNanoUsd }: Cost): JobEstimate['direct'] {
  return { cost_usd: usdOf(nanoUsd), max_cost_usd: usdOf(maxNanoUsd) };
}
