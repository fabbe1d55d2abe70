import { type Check, FRESH } from './load.ts';
import { PIECE, TEXT } from './spoken.ts';

/** `keyed` has a key with limits and budgets; `same` may come from a cache, `fresh` cannot. */
export type AskKind = 'call' | 'keyed' | 'fresh' | 'same' | 'stream';
export type Ask = { readonly path: string; readonly headers: Readonly<Record<string, string>>; readonly body: string; readonly ends: string };

export type Asker = (kind: AskKind) => Ask;

export const SYSTEM = 'You are a helpful assistant that answers in one paragraph and keeps to the facts.';
const PROMPT =
  'Explain in plain words why a company would put a gateway in front of its language model providers. Mention keys, limits, caching, accounting ' +
  'and fail-over, and say what it costs in time. Keep it short, avoid jargon, and end with advice for a small team that has one provider only.';
const SAMPLING = { temperature: 0.7, top_p: 0.9, max_tokens: 256 };

/** What an answer to this must look like. */
export function checkOf(ask: Ask, kind: AskKind, pieces: number): Check {
  return kind === 'stream' ? { holds: PIECE, times: pieces, end: ask.ends } : { holds: TEXT, times: 1, end: '' };
}

export function requestText(ask: Ask, port: number): string {
  const headers = { host: `127.0.0.1:${port}`, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(ask.body)), ...ask.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${ask.path} HTTP/1.1\r\n${lines.join('')}\r\n${ask.body}`;
}

/** As an OpenAI client asks: nginx passes it on as it is, and so do the gateways that speak this dialect. */
export function askOpenai(headers: Readonly<Record<string, string>> = {}): Asker {
  const request = {
    model: 'gpt-4o-mini',
    messages: [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: PROMPT },
    ],
    ...SAMPLING,
  };
  return (kind) => ({
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer sk-bench-1', ...headers },
    body: JSON.stringify(kind === 'stream' ? { ...request, stream: true, stream_options: { include_usage: true } } : request),
    ends: 'data: [DONE]',
  });
}

/** As a caller of our own surface asks, and of services that look like it. */
export function askGenerate(streamPath: string, ends: string, system?: string): Asker {
  const request = { prompt: PROMPT, ...(system === undefined ? {} : { system }), ...SAMPLING };
  return (kind) => ({
    path: kind === 'stream' ? streamPath : '/generate',
    headers: kind === 'call' || kind === 'keyed' || kind === 'stream' ? { 'cache-control': 'no-store' } : {},
    body: JSON.stringify(kind === 'fresh' ? { ...request, prompt: `${FRESH} ${PROMPT}` } : request),
    ends,
  });
}
