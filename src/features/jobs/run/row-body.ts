import type { RunningJob } from './store.ts';

type Defaults = Pick<RunningJob, 'endpoint' | 'model' | 'max_tokens' | 'temperature' | 'template_id'>;
type Body = Readonly<Record<string, unknown>>;

/** How an endpoint calls the longest answer, where it knows one; the first is what a job says, and each is enough to say it for a row. */
const LONGEST: Readonly<Record<string, readonly [string, ...string[]]>> = {
  '/v1/chat/completions': ['max_tokens', 'max_completion_tokens'],
  '/v1/completions': ['max_tokens'],
  '/v1/messages': ['max_tokens'],
  '/v1/responses': ['max_output_tokens'],
  '/api/v1/generate': ['max_tokens'],
  '/generate': ['max_tokens'],
};

/** What a row asks its endpoint: its own words, and those of its job where it has none. */
export function rowBody(job: Defaults, body: Body, defaultModel: string): Body {
  const { endpoint, template_id: templateId, temperature, max_tokens: maxTokens } = job;
  const longest = LONGEST[endpoint];
  // A template has a model of its own.
  const model = job.model ?? (templateId === null ? defaultModel : null);
  return {
    ...(templateId === null ? {} : { template_id: templateId }),
    ...(model === null ? {} : { model }),
    ...(longest === undefined || temperature === null ? {} : { temperature }),
    ...(longest === undefined || maxTokens === null || longest.some((name) => name in body) ? {} : { [longest[0]]: maxTokens }),
    ...body,
  };
}
