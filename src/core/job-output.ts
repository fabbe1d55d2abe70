import { isRecord } from './json-schema-parts.ts';

/** What an answer says, as one text for a cell of a table: its words, or the JSON of what is no text. */
export function outputText(endpoint: string, response: unknown): string {
  if (response === null || response === undefined) return '';
  const text = TEXTS[endpoint]?.(response);
  return typeof text === 'string' ? text : JSON.stringify(text ?? response);
}

/** Undefined where such an answer has no text. */
const TEXTS: Readonly<Record<string, (response: unknown) => unknown>> = {
  '/v1/chat/completions': (response) =>
    field(field(first(field(response, 'choices')), 'message'), 'content') ?? field(first(field(response, 'choices')), 'message'),
  '/v1/completions': (response) => field(first(field(response, 'choices')), 'text'),
  '/v1/responses': (response) => joined(list(field(response, 'output')).flatMap((item) => list(field(item, 'content')))),
  '/v1/messages': (response) => joined(list(field(response, 'content'))),
  '/api/v1/generate': (response) => field(response, 'output'),
  '/v1/embeddings': (response) => field(first(field(response, 'data')), 'embedding'),
  '/v1/moderations': (response) => first(field(response, 'results')),
};

function joined(parts: readonly unknown[]): string | undefined {
  const texts = parts.flatMap((part) => (typeof field(part, 'text') === 'string' ? [String(field(part, 'text'))] : []));
  return texts.length === 0 ? undefined : texts.join('');
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function first(value: unknown): unknown {
  return list(value)[0];
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
