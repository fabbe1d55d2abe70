/** What the simulated provider says, made ready once: the bytes cost nothing while something is measured. */

/** The whole answer, about as long as a short paragraph of a chat. */
export const TEXT =
  'A sluice is a gate that holds water back and lets it through as it is needed. The keeper of the gate knows who asks for water, how much ' +
  'there is, and what it costs. When one channel runs dry the keeper opens another; when the field has had enough the gate closes. Nobody ' +
  'downstream has to know where the water came from, and nobody upstream has to know where it went. That is all there is to tell of it, apart ' +
  'from filling the space of an answer that somebody might have asked for. ';

/** One piece of a stream. Counting it in an answer counts the pieces. */
export const PIECE = 'tidewater ';

const MODEL = 'gpt-4o-mini-2024-07-18';
const USAGE = {
  prompt_tokens: 112,
  completion_tokens: 100,
  total_tokens: 212,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};
const COMMON = { id: 'chatcmpl-0123456789abcdef', created: 1_760_000_000, model: MODEL, service_tier: 'default', system_fingerprint: 'fp_0123456789' };

export const wholeAnswer: Buffer = answer('application/json', {
  ...COMMON,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: TEXT, refusal: null, annotations: [] }, logprobs: null, finish_reason: 'stop' }],
  usage: USAGE,
});

export const modelList: Buffer = answer('application/json', { object: 'list', data: [{ id: 'gpt-4o-mini', object: 'model', created: 1, owned_by: 'system' }] });

/** Head and first event, one event for each piece, and what comes after the last one: each is one write. */
export const streamStart: Buffer = Buffer.concat([
  Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n'),
  event(chunk({ role: 'assistant', content: '', refusal: null }, null)),
]);
export const streamPiece: Buffer = event(chunk({ content: PIECE }, null));
export const streamEnd: Buffer = Buffer.concat([
  event(chunk({}, 'stop')),
  event(JSON.stringify({ ...COMMON, object: 'chat.completion.chunk', choices: [], usage: USAGE })),
  event('[DONE]'),
  Buffer.from('0\r\n\r\n'),
]);

function answer(type: string, body: object): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nx-request-id: req_0123456789abcdef\r\n\r\n${text}`,
  );
}

function chunk(delta: object, finishReason: string | null): string {
  return JSON.stringify({
    ...COMMON,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    usage: null,
  });
}

function event(data: string): Buffer {
  const text = `data: ${data}\n\n`;
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
