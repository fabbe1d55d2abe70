import { type Answered, call, until } from '../harness.ts';
import type { JsonObject } from './document.ts';
import { eventParts, type Heard, type Place, wholeParts } from './hear.ts';
import { type Kind, OPENAI_ERROR } from './schemas.ts';
import { DEMO, GPT, PIXEL, SCRIPTED, WEATHER } from './call.ts';

/** What is said of responses that are kept: in the background, taken up, cancelled, failed, gone on from. */
type Response = JsonObject & { readonly id: string; readonly status: string };

const PATH = '/v1/responses';
const LONG = [
  {
    role: 'user',
    content: [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}`, detail: 'auto' },
    ],
  },
  { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'A dot.', annotations: [] }] },
  { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' },
  { type: 'function_call_output', call_id: 'call_1', output: '21 degrees' },
];

export async function hearStored(place: Place): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  for (const model of [DEMO, ...SCRIPTED]) heard.push(...(await hearKept(place, model)));
  for (const model of SCRIPTED) heard.push(...(await hearCancelled(place, model)), ...(await hearFailed(place, model)));
  return [...heard, ...(await hearNone(place))];
}

async function hearKept(place: Place, model: string): Promise<readonly Heard[]> {
  const begun = await ask(place, PATH, { model, input: 'Count to three', background: true });
  const over = await whenOver(place, begun.json.id);
  const read = await ask(place, `${PATH}/${begun.json.id}?stream=true&starting_after=1`);
  const streamed = await ask(place, PATH, { model, input: 'Count to four', background: true, stream: true });
  const next = await ask(place, PATH, { model, input: 'Go on', previous_response_id: begun.json.id });
  const long = await ask(place, PATH, { model, input: LONG, tools: [{ type: 'function', ...WEATHER, strict: true }] });
  const items = await ask(place, `${PATH}/${long.json.id}/input_items`);
  const more = await ask(place, `${PATH}/${next.json.id}/input_items?order=asc`);
  return [
    whole('in the background', model, begun),
    whole('over', model, over),
    events('taken up', model, read),
    events('streamed in the background', model, streamed),
    whole('gone on from', model, next),
    whole('of a long input', model, long),
    whole('items', model, items, 'inputItems'),
    whole('items of two turns', model, more, 'inputItems'),
  ];
}

async function hearCancelled(place: Place, model: string): Promise<readonly Heard[]> {
  const { json } = await ask(place, PATH, { model, input: 'Take long', background: true });
  const cancelled = await ask(place, `${PATH}/${json.id}/cancel`, {});
  return [whole('cancelled', model, cancelled), whole('seen cancelled', model, await ask(place, `${PATH}/${json.id}`))];
}

async function hearFailed(place: Place, model: string): Promise<readonly Heard[]> {
  const { json } = await ask(place, PATH, { model, input: 'Fail with 400', background: true });
  return [whole('failed', model, await whenOver(place, json.id))];
}

async function hearNone(place: Place): Promise<readonly Heard[]> {
  const { json } = await ask(place, PATH, { model: GPT, input: 'Say hello' });
  return [
    error('not there', await ask(place, `${PATH}/resp_nobody`)),
    error('items of none', await ask(place, `${PATH}/resp_nobody/input_items`)),
    error('cancelling none', await ask(place, `${PATH}/resp_nobody/cancel`, {})),
    error('cancelling one that is no job', await ask(place, `${PATH}/${json.id}/cancel`, {})),
    error('streaming one that is no job', await ask(place, `${PATH}/${json.id}?stream=true`)),
  ];
}

async function whenOver(place: Place, id: string): Promise<Answered<Response>> {
  const look = (): Promise<Answered<Response>> => ask(place, `${PATH}/${id}`);
  await until(async () => !['queued', 'in_progress'].includes((await look()).json.status));
  return look();
}

function ask({ url, key }: Place, path: string, json?: JsonObject): Promise<Answered<Response>> {
  return call<Response>(`${url}${path}`, { headers: { authorization: `Bearer ${key}` }, ...(json === undefined ? {} : { json }) });
}

function whole(what: string, model: string, answered: Answered<Response>, kind: Kind = 'responses'): Heard {
  return { kind, name: `stored response ${what} (${model})`, amiss: unless(200, answered), parts: wholeParts(kind, answered.json) };
}

function events(what: string, model: string, answered: Answered<Response>): Heard {
  return { kind: 'responses', name: `stored response ${what} (${model})`, amiss: unless(200, answered), parts: eventParts('responses', answered.text) };
}

function error(what: string, answered: Answered<Response>): Heard {
  const amiss = answered.status >= 400 ? null : `${answered.status} ${answered.text}`;
  return { kind: 'responses', name: `stored response ${what}`, amiss, parts: [{ schema: OPENAI_ERROR, value: answered.json }] };
}

function unless(status: number, answered: Answered<Response>): string | null {
  return answered.status === status ? null : `${answered.status} ${answered.text}`;
}
