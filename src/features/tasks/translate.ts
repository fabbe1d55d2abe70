import type { App } from '../../app.ts';
import type { RunningCall } from '../../app/gateway.ts';
import type { StreamQuery } from '../../contract/generation.ts';
import type { TranslateBody } from '../../contract/tasks.ts';
import { translate as template } from '../../core/builtin-templates.ts';
import { answerEvents } from '../../core/events.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { framed, splitText } from '../../core/split-text.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { answerStream, answerWhole, readAnswer, wantsStream } from '../../http/answer.ts';
import { combinedCall, noteCombined } from '../../http/combined-call.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { cutOff, structuredAnswer } from '../../http/structured-answer.ts';
import { mapAtOnce } from './at-once.ts';
import { chain, type Part } from './chain.ts';
import { promptTokens, taskCall, taskFacts } from './task-call.ts';
import { textOf } from './text-of.ts';
import { tokensForTranslation, translatingRoom } from './window.ts';

type Translating = Exchange<undefined, StreamQuery, TranslateBody>;
type Job = { readonly app: App; readonly exchange: Translating };

const AT_ONCE = 4;

export async function translate(app: App, exchange: Translating): Promise<Reply> {
  const { text, source_language } = exchange.body;
  const job = { app, exchange };
  const pieces = piecesOf(text, translatingRoom(taskFacts(app), promptTokens(template, parametersOf(job, source_language))));
  if (wantsStream(exchange)) {
    const parts = pieces.map((piece): Part => ({ ...piece, call: translateCall(job, piece.body, { source: source_language, stream: true }) }));
    const [first, ...rest] = parts;
    return answerStream(
      app,
      exchange,
      await chain(app, first ? [first, ...rest] : [{ before: '', after: '', call: translateCall(job, text, { source: source_language, stream: true }) }]),
    );
  }
  const { translation, source, running } = await translateWhole(job, pieces);
  const { meta, headers } = await answerWhole(exchange, running);
  return { headers, json: { translation, source_language: source, ...meta } };
}

type Piece = { readonly before: string; readonly body: string; readonly after: string };

/** The parts to be translated, each with the white space around it; what is only white space goes with the part before it. */
function piecesOf(text: string, room: number): Piece[] {
  const pieces: Piece[] = [];
  let before = '';
  for (const part of splitText(text, room, estimateTokens)) {
    const piece = framed(part);
    const last = pieces.at(-1);
    if (piece.body !== '') {
      pieces.push({ ...piece, before: before + piece.before });
      before = '';
    } else if (last) pieces[pieces.length - 1] = { ...last, after: last.after + part };
    else before += part;
  }
  return pieces;
}

type Translated = { readonly translation: string; readonly source: string; readonly calls: readonly RunningCall[] };

/** The first part tells the language of all. */
async function translateWhole(
  job: Job,
  pieces: readonly Piece[],
): Promise<{ readonly translation: string; readonly source: string; readonly running: RunningCall }> {
  const [firstPiece, ...rest] = pieces;
  const first = await translatePiece(job, firstPiece ?? { before: '', body: job.exchange.body.text, after: '' }, {
    source: job.exchange.body.source_language,
    split: true,
  });
  const others = await mapAtOnce(rest, AT_ONCE, (piece) => translatePiece(job, piece, { source: first.source, split: true }));
  const all = [first, ...others];
  const [call, ...calls] = all.flatMap((each) => each.calls);
  if (!call) throw new Error('a translation without a call');
  const translation = all.map((each) => each.translation).join('');
  if (calls.length === 0) return { translation, source: first.source, running: call };
  const running = combinedCall(
    [call, ...calls],
    once(answerEvents({ model: call.model, text: translation, reasoning: '', refusal: '', toolCalls: [], usage: null, finishReason: 'stop' })),
  );
  noteCombined(job.exchange.logFields, running, calls.length + 1);
  return { translation, source: first.source, running };
}

async function* once<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}

type How = { readonly source: string | undefined; readonly split: boolean };

/** A part whose translation was too long for one answer is split once more. */
async function translatePiece(job: Job, piece: Piece, { source, split }: How): Promise<Translated> {
  const said = source === undefined ? await translateAndDetect(job, piece.body) : await translatePlain(job, piece.body, source);
  if (said.text !== null) return { translation: piece.before + said.text.trim() + piece.after, source: said.source, calls: [said.running] };
  if (!split) throw cutOff(said.running);
  const halves = piecesOf(piece.body, Math.max(1, Math.ceil(estimateTokens(piece.body) / 2)));
  if (halves.length < 2) throw cutOff(said.running);
  const translated: Translated[] = [];
  for (const half of halves) translated.push(await translatePiece(job, half, { source: source ?? translated[0]?.source, split: false }));
  return {
    translation: piece.before + translated.map((each) => each.translation).join('') + piece.after,
    source: source ?? translated[0]?.source ?? '',
    calls: [said.running, ...translated.flatMap((each) => each.calls)],
  };
}

/** `text` is null where the answer was cut off. */
type Said = { readonly text: string | null; readonly source: string; readonly running: RunningCall };

async function translatePlain(job: Job, body: string, source: string): Promise<Said> {
  const running = await job.app.gateway.run(translateCall(job, body, { source, stream: false }));
  const answer = await readAnswer(running);
  const read = { ...running, events: once(answerEvents(answer)) };
  return { text: answer.finishReason === 'length' ? null : textOf(answer), source, running: read };
}

/** The template answers in plain text; where the language is asked for too, this is the form of the answer. */
const DETECTED: JsonSchema = {
  type: 'object',
  properties: {
    source_language: { type: 'string', minLength: 1, description: 'The language of the material, by its English name, such as German.' },
    translation: { type: 'string', description: 'The translation of the whole material.' },
  },
  required: ['source_language', 'translation'],
  additionalProperties: false,
};

async function translateAndDetect(job: Job, body: string): Promise<Said> {
  const answered = await structuredAnswer(job.app, translateCall(job, body, { source: undefined, stream: false, output: DETECTED }), DETECTED);
  if (answered.kind === 'cut') return { text: null, source: '', running: answered.running };
  const value = answered.value as { source_language: string; translation: string };
  return { text: value.translation, source: value.source_language, running: answered.running };
}

type Asked = { readonly source: string | undefined; readonly stream: boolean; readonly output?: JsonSchema };

function translateCall(job: Job, body: string, { source, stream, output }: Asked) {
  const maxTokens = tokensForTranslation(estimateTokens(body), taskFacts(job.app));
  return taskCall(job.app, job.exchange, template, { input: body, parameters: parametersOf(job, source), maxTokens, stream, output: output ?? null });
}

function parametersOf({ exchange }: Job, source: string | undefined): Readonly<Record<string, unknown>> {
  const { target_language, formality } = exchange.body;
  return { target_language, formality, source_language: source };
}
