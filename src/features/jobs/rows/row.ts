import { AppError, invalidValue } from '../../../contract/errors.ts';
import { ChatBody } from '../../../contract/chat.ts';
import { CompletionBody } from '../../../contract/completions.ts';
import { EmbeddingsBody } from '../../../contract/embeddings.ts';
import { RowBody } from '../../../contract/job-rows.ts';
import type { JobEndpoint } from '../../../contract/jobs.ts';
import { MessagesBody } from '../../../contract/messages.ts';
import { ModerationsBody } from '../../../contract/moderations.ts';
import { ResponsesBody } from '../../../contract/responses.ts';
import { TemplateGenerateBody } from '../../../contract/templates.ts';
import type { JsonSchema } from '../../../core/json-schema.ts';
import { readParameters, type Template } from '../../../core/template.ts';
import { type Checker, checker } from '../../../http/validate.ts';
import { rowBody } from '../run/row-body.ts';
import type { JobRow } from '../store.ts';

/** What a request is before it is one of the job's: `index` is its place among those that came with it, `read` throws where there is none to be had. */
export type RawRow = { readonly line: number; readonly index: number; readonly read: () => unknown; readonly columns: readonly string[] | null };
export type CheckedRow = { readonly customId: string; readonly body: Readonly<Record<string, unknown>> };

/** Checks a request as its endpoint will, so that what cannot go well is told now; throws what is wrong with it. */
export type RowCheck = (row: RawRow) => CheckedRow;

type Job = Pick<JobRow, 'endpoint' | 'model' | 'max_tokens' | 'temperature' | 'template_id'>;
type Checking = { readonly job: Job; readonly template: Template | null; readonly defaultModel: string };

const BODIES: Readonly<Record<JobEndpoint, Checker>> = {
  '/v1/chat/completions': checker(ChatBody, 'body'),
  '/v1/responses': checker(ResponsesBody, 'body'),
  '/v1/completions': checker(CompletionBody, 'body'),
  '/v1/embeddings': checker(EmbeddingsBody, 'body'),
  '/v1/moderations': checker(ModerationsBody, 'body'),
  '/v1/messages': checker(MessagesBody, 'body'),
  '/api/v1/generate': checker(TemplateGenerateBody, 'body'),
};
const checkRow = checker(RowBody, 'body');
/** Answers of jobs are kept whole, and are nobody's to wait for. */
const REFUSED = ['stream', 'background'] as const;

export function rowCheck({ job, template, defaultModel }: Checking): RowCheck {
  const checkBody = (BODIES as Readonly<Record<string, Checker>>)[job.endpoint];
  if (!checkBody) throw new Error(`a job goes to ${job.endpoint}, which no job goes to`);
  return ({ line, index, read }) => {
    const at = `requests[${index}]`;
    const value = read();
    const row = placed({ line, at }, () => checkRow(value) as RowBody);
    const { body, at: bodyAt } = placed({ line, at: '' }, () => bodyOf(row, job, at));
    placed({ line, at: bodyAt }, () => {
      if (template && body['template_id'] !== undefined) throw invalidValue('template_id', 'is said by the job');
      for (const field of REFUSED) if (body[field] === true) throw invalidValue(field, 'cannot be true in a job');
      checkBody(rowBody(job, body, defaultModel));
      if (template) checkParameters(template, body);
    });
    return { customId: row.custom_id, body };
  };
}

function bodyOf(
  row: RowBody,
  { endpoint, template_id: templateId }: Job,
  at: string,
): { readonly body: Readonly<Record<string, unknown>>; readonly at: string } {
  if (row.url !== undefined && row.url !== endpoint) throw invalidValue(`${at}.url`, `must be ${endpoint}, where this job goes`);
  const { body, input, parameters } = row;
  if (body !== undefined) {
    for (const [field, given] of Object.entries({ input, parameters }))
      if (given !== undefined) throw invalidValue(`${at}.${field}`, 'cannot be given beside body');
    return { body, at: `${at}.body` };
  }
  if (templateId === null) {
    for (const [field, given] of Object.entries({ input, parameters }))
      if (given !== undefined) throw invalidValue(`${at}.${field}`, 'is for jobs with a template; others take body');
    throw missing(`${at}.body`);
  }
  if (input === undefined) throw missing(`${at}.input`);
  return { body: { input, ...(parameters === undefined ? {} : { parameters }) }, at };
}

function checkParameters(template: Template, { parameters = {} }: Readonly<Record<string, unknown>>): void {
  const [problem] = readParameters(template, parameters as JsonSchema).problems;
  if (problem) throw new AppError(problem.code, { message: problem.message, field: problem.path, ...(problem.details ? { details: problem.details } : {}) });
}

/** What is thrown names the line, and the field from the top: `requests[3].body.messages`. */
function placed<Result>({ line, at }: { readonly line: number; readonly at: string }, run: () => Result): Result {
  try {
    return run();
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const { field, details = {} } = thrown.parts;
    const { errors: _, ...rest } = details;
    const path = field === undefined ? at : at === '' ? field : `${at}.${field}`;
    // Messages begin with the name of their field.
    const words = field !== undefined && thrown.message.startsWith(field) ? `${path}${thrown.message.slice(field.length)}` : `${path}: ${thrown.message}`;
    throw new AppError(thrown.code, { message: `Line ${line}: ${words}`, field: path, details: { ...rest, line } });
  }
}

function missing(field: string): AppError {
  return new AppError('MISSING_REQUIRED_FIELD', { field, message: `${field} is required` });
}
