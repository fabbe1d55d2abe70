import { tokensOf } from './asked.ts';
import { hashOf, isRecord, type JsonObject, listOf } from './json.ts';
import { json, refused, type Reply } from './reply.ts';

/** `/v1/embeddings` and `/v1/moderations`. */
export function embeddingsReply(body: JsonObject): Reply {
  const inputs = inputsOf(body['input']);
  if (inputs.length === 0) return refused('openai', 400, "Missing required parameter: 'input'.", 'input');
  const dimensions = typeof body['dimensions'] === 'number' ? body['dimensions'] : 1536;
  const asBase64 = body['encoding_format'] === 'base64';
  const list = inputs.map((text, index) => {
    const vector = vectorOf(text, dimensions);
    return { object: 'embedding', index, embedding: asBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector] };
  });
  const tokens = inputs.reduce((sum, text) => sum + tokensOf(text), 0);
  return json({ object: 'list', data: list, model: body['model'], usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

function inputsOf(input: unknown): readonly string[] {
  if (typeof input === 'string') return [input];
  const list = listOf(input);
  if (list.length > 0 && list.every((each) => typeof each === 'number')) return [list.join(' ')];
  return list.map((each) => (typeof each === 'string' ? each : listOf(each).join(' ')));
}

/** A unit vector that depends on the words, so that texts with common words are near each other. */
function vectorOf(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().split(/\s+/)) {
    const hash = hashOf(word);
    const at = hash % dimensions;
    vector[at] = (vector[at] ?? 0) + (hash & 0x10000 ? 1 : -1);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

const CATEGORIES =
  'harassment harassment/threatening hate hate/threatening illicit illicit/violent self-harm self-harm/instructions self-harm/intent sexual sexual/minors violence violence/graphic'.split(
    ' ',
  );

export function moderationsReply(body: JsonObject, id: number): Reply {
  const { input } = body;
  const texts =
    typeof input === 'string' ? [input] : listOf(input).map((part) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : String(part)));
  const results = texts.map((text) => {
    const violence = /\b(kill|murder|attack)/i.test(text);
    return {
      flagged: violence,
      categories: ofEach((category) => category === 'violence' && violence),
      category_scores: ofEach((category) => (category === 'violence' && violence ? 0.9 : 0.001)),
      category_applied_input_types: ofEach(() => ['text']),
    };
  });
  return json({ id: `modr-fake-${id}`, model: body['model'] ?? 'omni-moderation-latest', results });
}

function ofEach<Value>(told: (category: string) => Value): Readonly<Record<string, Value>> {
  return Object.fromEntries(CATEGORIES.map((category) => [category, told(category)]));
}
