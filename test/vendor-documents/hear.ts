import { call as send, parseEvents } from '../harness.ts';
import type { Call } from './call.ts';
import type { JsonObject } from './document.ts';
import { ANTHROPIC_ERROR, type Kind, OPENAI_ERROR, SAID, type Schema } from './schemas.ts';

/** What came, and by which schemas it has to be. */
export type Heard = {
  readonly kind: Kind;
  readonly name: string;
  readonly parts: readonly Part[];
  /** What came is not what was to come. */ readonly amiss: string | null;
};
export type Part = { readonly schema: Schema; readonly value: unknown };
/** Where to ask, and as whom. */
export type Place = { readonly url: string; readonly key: string };
type Way = Call['ways'][number];

export async function hearCall(place: Place, asked: Call): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  for (const model of asked.models) {
    for (const way of asked.ways) heard.push(await hearOne(place, asked, { model, way }));
  }
  return heard;
}

async function hearOne(place: Place, asked: Call, { model, way }: { readonly model: string; readonly way: Way }): Promise<Heard> {
  const { kind, path, prompt, isRefused } = asked;
  const body = asked.body && { model, ...asked.body, ...(way === 'events' ? { stream: true } : {}) };
  const answered = await send(`${place.url}${path}`, {
    headers: { authorization: `Bearer ${place.key}`, ...asked.headers },
    ...(body === null ? {} : { json: body }),
  });
  const name = `${kind}: ${prompt} (${model}, ${way})`;
  if (isRefused || answered.status !== 200) {
    const amiss = isRefused && answered.status >= 400 ? null : `${answered.status} ${answered.text}`;
    return { kind, name, amiss, parts: [{ schema: SAID[kind].error, value: answered.json }] };
  }
  const parts = way === 'whole' ? wholeParts(kind, answered.json) : eventParts(kind, answered.text);
  return { kind, name, amiss: parts.length === 0 ? 'nothing came' : null, parts };
}

export function wholeParts(kind: Kind, value: unknown): readonly Part[] {
  return SAID[kind].whole.map((schema) => ({ schema, value }));
}

export function eventParts(kind: Kind, text: string): readonly Part[] {
  return parseEvents(text)
    .filter(({ data }) => data !== '[DONE]')
    .flatMap(({ data }) => {
      const value = JSON.parse(data) as JsonObject;
      return schemasOfEvent(kind, value).map((schema) => ({ schema, value }));
    });
}

/** The documents have the events that go well; what tells of a failure in the middle is the error that they know. */
function schemasOfEvent(kind: Kind, value: JsonObject): readonly Schema[] {
  if (kind === 'messages' && value['type'] === 'error') return [ANTHROPIC_ERROR];
  if ((kind === 'chat' || kind === 'completions') && 'error' in value) return [OPENAI_ERROR];
  return SAID[kind].events;
}
