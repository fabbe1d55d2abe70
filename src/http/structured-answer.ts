import type { App } from '../app.ts';
import type { ModelCall, RunningCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { type Answer, answerEvents } from '../core/events.ts';
import { type JsonSchema, validate } from '../core/json-schema.ts';
import { readJson, withCorrection, withSchemaInWords } from '../core/structured-output.ts';
import { readAnswer } from './answer.ts';
import { combinedCall, noteCombined } from './combined-call.ts';

/** An answer that fits its schema, or one that was too long for its longest length, and the call or two that it took. */
export type StructuredAnswer =
  | { readonly kind: 'whole'; readonly value: unknown; readonly running: RunningCall }
  | { readonly kind: 'cut'; readonly running: RunningCall };

const PROBLEMS_SHOWN = 10;

/** Asks for JSON by `request.output`, checks it, shows the model its mistakes once, and gives up with a clear error. */
export async function structuredAnswer(app: Pick<App, 'gateway'>, call: ModelCall, schema: JsonSchema): Promise<StructuredAnswer> {
  const asked = inWordsWhereNeeded(app, call, schema);
  const first = await app.gateway.run(asked);
  const answer = await readAnswer(first);
  const verdict = judge(answer, schema);
  if (verdict.problems.length === 0) return { kind: 'whole', value: verdict.value, running: repeated([first], answer) };
  if (answer.finishReason === 'length') return { kind: 'cut', running: repeated([first], answer) };

  const messages = withCorrection(asked.request.messages, answer.text, verdict.problems);
  const second = await app.gateway.run({ ...asked, request: { ...asked.request, messages } });
  const corrected = await readAnswer(second);
  const again = judge(corrected, schema);
  if (again.problems.length > 0) throw unusable(second, again.problems, first.attempts + second.attempts);
  const running = repeated([first, second], corrected);
  noteCombined(call.logFields, running, 2);
  return { kind: 'whole', value: again.value, running };
}

/** A model that cannot be bound to a schema is told it. */
function inWordsWhereNeeded(app: Pick<App, 'gateway'>, call: ModelCall, schema: JsonSchema): ModelCall {
  if (app.gateway.resolve(call.model).facts.capabilities.includes('json_schema')) return call;
  const { output: _, ...request } = call.request;
  return { ...call, request: { ...request, messages: withSchemaInWords(request.messages, schema) } };
}

type Judged = { readonly value: unknown; readonly problems: readonly string[] };

function judge(answer: Answer, schema: JsonSchema): Judged {
  if (answer.refusal !== '' && answer.text === '') return { value: undefined, problems: ['It is a refusal, not JSON.'] };
  const value = readJson(answer.text);
  if (value === undefined) return { value, problems: ['It is not JSON.'] };
  return {
    value,
    problems: validate(schema, value)
      .slice(0, PROBLEMS_SHOWN)
      .map(({ message }) => message),
  };
}

function repeated(calls: readonly [RunningCall, ...RunningCall[]], answer: Answer): RunningCall {
  return combinedCall(calls, once(answerEvents(answer)));
}

async function* once<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}

/** The answer ran into its longest length; asking again would only cut it again. */
export function cutOff(running: RunningCall): AppError {
  return new AppError('INTERNAL_ERROR', {
    message: 'The answer was cut off at the longest length allowed for it.',
    details: { upstream: { provider: running.provider, model: running.model, status: 200, attempts: running.attempts, finish_reason: 'length' } },
  });
}

function unusable(running: RunningCall, problems: readonly string[], attempts: number): AppError {
  return new AppError('INTERNAL_ERROR', {
    message: 'The model did not answer in the form that was asked for, and neither when shown its mistakes.',
    details: { upstream: { provider: running.provider, model: running.model, status: 200, attempts, problems } },
  });
}
