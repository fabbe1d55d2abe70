import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { StreamQuery } from '../../contract/generation.ts';
import type { IntroBody } from '../../contract/tasks.ts';
import { youtubeIntro as template } from '../../core/builtin-templates.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { answerStream, answerWhole, wantsStream } from '../../http/answer.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { cutOff, structuredAnswer } from '../../http/structured-answer.ts';
import { condense, withEarlier } from './summarize.ts';
import { promptTokens, taskCall, taskFacts } from './task-call.ts';
import { readingRoom, tokensForWords } from './window.ts';

const SECONDS = 20;
// Two and a half are usual; the rest is for those that speak fast.
const WORDS_A_SECOND = 4;

export async function generateIntro(app: App, exchange: Exchange<undefined, StreamQuery, IntroBody>): Promise<Reply> {
  const { script, tone, audience, max_seconds, count = 1 } = exchange.body;
  const stream = wantsStream(exchange);
  if (stream && count > 1) {
    throw new AppError('INVALID_VALUE', {
      field: 'stream',
      message: 'stream must be false when count is more than 1: several intros are not one text',
      details: { count },
    });
  }
  const facts = taskFacts(app);
  const parameters = { tone, audience, max_seconds, count };
  const maxTokens = tokensForWords(count * ((max_seconds ?? SECONDS) * WORDS_A_SECOND + 20), facts);
  const { input, calls } = await condense(app, exchange, script, readingRoom(facts, promptTokens(template, parameters), maxTokens));
  const asking = { input, parameters, maxTokens, stream };
  if (stream)
    return answerStream(app, exchange, withEarlier(exchange, await app.gateway.run(taskCall(app, exchange, template, { ...asking, output: null })), calls));

  const output = schemaFor(count);
  const answered = await structuredAnswer(app, taskCall(app, exchange, template, { ...asking, output }), output);
  if (answered.kind === 'cut') throw cutOff(answered.running);
  const { meta, headers } = await answerWhole(exchange, withEarlier(exchange, answered.running, calls));
  const { intros } = answered.value as { readonly intros: readonly string[] };
  return { headers, json: { intro: intros[0], intros, ...meta } };
}

/** The template's own, with just as many intros as are asked for. */
function schemaFor(count: number): JsonSchema {
  const intros = { type: 'array', items: { type: 'string', minLength: 1 }, minItems: count, maxItems: count };
  return { ...template.output, properties: { intros } };
}
