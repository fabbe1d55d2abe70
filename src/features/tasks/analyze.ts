import type { App } from '../../app.ts';
import type { AnalyzeBody } from '../../contract/tasks.ts';
import { sentiment as template } from '../../core/builtin-templates.ts';
import { answerWhole } from '../../http/answer.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { cutOff, structuredAnswer } from '../../http/structured-answer.ts';
import { taskCall, taskFacts } from './task-call.ts';
import { tokensForWords } from './window.ts';

const ANSWER_WORDS = 200;

export async function analyze(app: App, exchange: Exchange<undefined, undefined, AnalyzeBody>): Promise<Reply> {
  const maxTokens = tokensForWords(ANSWER_WORDS, taskFacts(app));
  const call = taskCall(app, exchange, template, { input: exchange.body.text, parameters: {}, maxTokens, stream: false });
  const answered = await structuredAnswer(app, call, template.output ?? {});
  if (answered.kind === 'cut') throw cutOff(answered.running);
  const { meta, headers } = await answerWhole(exchange, answered.running);
  const { sentiment, score, confidence, emotions, explanation } = answered.value as Readonly<Record<string, unknown>>;
  return { headers, json: { sentiment, score, confidence, emotions, explanation, ...meta } };
}
