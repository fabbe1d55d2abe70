import type { JsonObject } from './document.ts';
import type { Kind } from './schemas.ts';

/** What is asked, and of which models. */
export type Call = {
  readonly kind: Kind;
  readonly path: string;
  /** Says of a POST what it is about, and is what the upstream knows it by. */
  readonly prompt: string;
  /** A POST where there is one; the model comes into it. */
  readonly body: JsonObject | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly isRefused: boolean;
  /** Asked whole, in events, or both ways. */
  readonly ways: readonly ('whole' | 'events')[];
};
type How = Partial<Pick<Call, 'models' | 'isRefused' | 'headers' | 'ways'>>;

export const DEMO = 'demo';
/** Speaks all of OpenAI's dialects. */
export const GPT = 'gpt-4o-mini';
/** Speaks its chat completions alone. */
export const HOUSE = 'house/llama';
export const CLAUDE = 'claude-haiku-4-5';
/** Those of the upstream that says what it is told to. */
export const SCRIPTED = [GPT, HOUSE, CLAUDE];

type Route = { readonly kind: Kind; readonly path: string; readonly usual: (prompt: string) => JsonObject };
export type Asks = (prompt: string, more?: JsonObject, how?: How) => Call;

export function asks({ kind, path, usual }: Route): Asks {
  return (prompt, more = {}, how = {}) => ({
    kind,
    path,
    prompt,
    body: { ...usual(prompt), ...more },
    headers: {},
    models: [DEMO, ...SCRIPTED],
    isRefused: false,
    ways: ['whole', 'events'],
    ...how,
  });
}

export const WHOLE: How = { ways: ['whole'] };
export const EVENTS: How = { ways: ['events'] };

const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
export const WEATHER = { name: 'get_weather', description: 'The weather of a place', parameters: CITY };
export const PLACE = { name: 'place', schema: CITY, strict: true };
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
