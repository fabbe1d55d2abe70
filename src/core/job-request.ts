import { JOB_ENDPOINTS, type JobEndpoint } from '../contract/jobs.ts';

/** What the settings of a job are called there; those that it has no word for say nothing. */
const WORDS: Readonly<Record<JobEndpoint, { readonly maxTokens: string | null; readonly insteadOfMaxTokens?: string; readonly temperature: boolean }>> = {
  '/v1/chat/completions': { maxTokens: 'max_tokens', insteadOfMaxTokens: 'max_completion_tokens', temperature: true },
  '/v1/responses': { maxTokens: 'max_output_tokens', temperature: true },
  '/v1/completions': { maxTokens: 'max_tokens', temperature: true },
  '/v1/embeddings': { maxTokens: null, temperature: false },
  '/v1/moderations': { maxTokens: null, temperature: false },
  '/v1/messages': { maxTokens: 'max_tokens', temperature: true },
  '/api/v1/generate': { maxTokens: 'max_tokens', temperature: true },
};

export type JobDefaults = {
  readonly endpoint: string;
  readonly model: string | null;
  readonly max_tokens: number | null;
  readonly temperature: number | null;
  readonly template_id: string | null;
};

/** The body that the endpoint is asked with for a request: what the request does not say, its job says for it. The template is the job's alone. */
export function askedBody(job: JobDefaults, body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { maxTokens, insteadOfMaxTokens, temperature } = isJobEndpoint(job.endpoint) ? WORDS[job.endpoint] : WORDS['/v1/chat/completions'];
  const saysMaxTokens = insteadOfMaxTokens !== undefined && body[insteadOfMaxTokens] !== undefined;
  return {
    ...(job.model === null ? {} : { model: job.model }),
    ...(job.max_tokens === null || maxTokens === null || saysMaxTokens ? {} : { [maxTokens]: job.max_tokens }),
    ...(job.temperature === null || !temperature ? {} : { temperature: job.temperature }),
    ...body,
    ...(job.template_id === null ? {} : { template_id: job.template_id }),
  };
}

/** The longest answer that such a body allows; null where it says nothing. */
export function maxTokensOf(endpoint: string, body: Readonly<Record<string, unknown>>): number | null {
  const { maxTokens = null, insteadOfMaxTokens } = isJobEndpoint(endpoint) ? WORDS[endpoint] : {};
  const said = (insteadOfMaxTokens === undefined ? undefined : body[insteadOfMaxTokens]) ?? (maxTokens === null ? undefined : body[maxTokens]);
  return typeof said === 'number' ? said : null;
}

function isJobEndpoint(path: string): path is JobEndpoint {
  return (JOB_ENDPOINTS as readonly string[]).includes(path);
}
