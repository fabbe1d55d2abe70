import type { Asked } from './asked.ts';
import { isRecord, type JsonObject, listOf } from './json.ts';
import { thirds } from './openai-chat.ts';
import { type Frame, json, type Reply } from './reply.ts';
import type { Rule } from './rule.ts';
import type { Spoken } from './spoken.ts';

/** `/v1/responses`, whole and in events, in the vendor's order. */
type Item = { readonly item: JsonObject; readonly opened: JsonObject; readonly between: (emit: Emit, place: Place) => void };
type Emit = (kind: Frame['kind'], type: string, fields: object) => void;
type Place = { readonly output_index: number; readonly item_id: string };

export function responsesReply(asked: Asked, spoken: Spoken, rule: Rule, call: { readonly id: number; readonly body: JsonObject }): Reply {
  const items = itemsOf(asked, spoken, call.id);
  const isWhole = spoken.finish !== 'length' && spoken.finish !== 'content_filter';
  const finished = {
    ...shell(asked, call),
    status: isWhole ? 'completed' : 'incomplete',
    completed_at: isWhole ? Math.floor(Date.now() / 1000) : null,
    incomplete_details: isWhole ? null : { reason: spoken.finish === 'length' ? 'max_output_tokens' : 'content_filter' },
    output: items.map(({ item }) => item),
    usage: rule.garble?.kind === 'no-usage' ? null : responsesUsage(spoken),
  };
  return asked.stream ? { kind: 'stream', frames: responsesFrames(shell(asked, call), items, finished) } : json(finished);
}

function responsesFrames(started: object, items: readonly Item[], finished: JsonObject): Frame[] {
  const frames: Frame[] = [];
  const emit: Emit = (kind, type, fields) => {
    frames.push({ kind, event: type, data: JSON.stringify({ type, sequence_number: frames.length, ...fields }) });
  };
  emit('open', 'response.created', { response: started });
  emit('open', 'response.in_progress', { response: started });
  for (const [index, { item, opened, between }] of items.entries()) {
    const place = { output_index: index, item_id: String(item['id']) };
    emit('open', 'response.output_item.added', { output_index: index, item: opened });
    between(emit, place);
    emit('open', 'response.output_item.done', { output_index: index, item });
  }
  emit('finish', `response.${String(finished['status'])}`, { response: finished });
  return frames;
}

function itemsOf(asked: Asked, spoken: Spoken, id: number): Item[] {
  const items: Item[] = [];
  if (spoken.reasoning !== '') items.push(reasoningItem(spoken.reasoning, id));
  if (spoken.refusal !== '' || spoken.pieces.length > 0 || spoken.toolCalls.length === 0) items.push(messageItem(asked, spoken, id));
  for (const [index, call] of spoken.toolCalls.entries()) items.push(callItem(call, `fc_fake_${id}_${index}`));
  return items;
}

function reasoningItem(text: string, id: number): Item {
  const summary = { type: 'summary_text', text };
  const item = { id: `rs_fake_${id}`, type: 'reasoning', summary: [summary], status: 'completed' };
  return {
    item,
    opened: { ...item, summary: [], status: 'in_progress' },
    between(emit, place) {
      emit('open', 'response.reasoning_summary_part.added', { ...place, summary_index: 0, part: { type: 'summary_text', text: '' } });
      emit('piece', 'response.reasoning_summary_text.delta', { ...place, summary_index: 0, delta: text });
      emit('open', 'response.reasoning_summary_text.done', { ...place, summary_index: 0, text });
      emit('open', 'response.reasoning_summary_part.done', { ...place, summary_index: 0, part: summary });
    },
  };
}

function messageItem(asked: Asked, spoken: Spoken, id: number): Item {
  const isRefusal = spoken.refusal !== '';
  const text = isRefusal ? spoken.refusal : spoken.text;
  const logprobs = asked.logprobs ? spoken.pieces.map((token) => ({ token, logprob: -0.1, bytes: [...Buffer.from(token)], top_logprobs: [] })) : [];
  const part = isRefusal ? { type: 'refusal', refusal: text } : { type: 'output_text', text, annotations: [], logprobs };
  const emptyPart = isRefusal ? { type: 'refusal', refusal: '' } : { type: 'output_text', text: '', annotations: [], logprobs: [] };
  const item = { id: `msg_fake_${id}`, type: 'message', status: spoken.finish === 'length' ? 'incomplete' : 'completed', role: 'assistant', content: [part] };
  return {
    item,
    opened: { ...item, status: 'in_progress', content: [] },
    between(emit, place) {
      const inside = { ...place, content_index: 0 };
      emit('open', 'response.content_part.added', { ...inside, part: emptyPart });
      if (isRefusal) {
        emit('piece', 'response.refusal.delta', { ...inside, delta: text });
        emit('open', 'response.refusal.done', { ...inside, refusal: text });
      } else {
        for (const piece of spoken.pieces) emit('piece', 'response.output_text.delta', { ...inside, delta: piece, logprobs: [] });
        emit('open', 'response.output_text.done', { ...inside, text, logprobs });
      }
      emit('open', 'response.content_part.done', { ...inside, part });
    },
  };
}

function callItem(call: Spoken['toolCalls'][number], id: string): Item {
  const item = { id, type: 'function_call', status: 'completed', call_id: call.id, name: call.name, arguments: call.arguments };
  return {
    item,
    opened: { ...item, status: 'in_progress', arguments: '' },
    between(emit, place) {
      for (const delta of thirds(call.arguments)) emit('piece', 'response.function_call_arguments.delta', { ...place, delta });
      emit('open', 'response.function_call_arguments.done', { ...place, name: call.name, arguments: call.arguments });
    },
  };
}

function shell(asked: Asked, { id, body }: { readonly id: number; readonly body: JsonObject }): JsonObject {
  return {
    id: `resp_fake_${id}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    background: body['background'] ?? false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    max_tool_calls: body['max_tool_calls'] ?? null,
    model: asked.model,
    output: [],
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    previous_response_id: body['previous_response_id'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    reasoning: body['reasoning'] ?? { effort: null, summary: null },
    safety_identifier: body['safety_identifier'] ?? null,
    service_tier: 'default',
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: toldText(body['text']),
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: listOf(body['tools']).map(toldTool),
    top_logprobs: body['top_logprobs'] ?? 0,
    top_p: body['top_p'] ?? 1,
    truncation: body['truncation'] ?? 'disabled',
    presence_penalty: 0,
    frequency_penalty: 0,
    usage: null,
    user: null,
    metadata: body['metadata'] ?? {},
  };
}

function toldTool(asked: unknown): unknown {
  return isRecord(asked) && asked['type'] === 'function' ? { description: null, strict: true, ...asked } : asked;
}

/** The vendor says every member of a format and of a tool, those too that were not asked for. */
function toldText(asked: unknown): JsonObject {
  const text = isRecord(asked) ? asked : {};
  const format = isRecord(text['format']) ? text['format'] : { type: 'text' };
  return { ...text, format: format['type'] === 'json_schema' ? { description: null, strict: false, ...format } : format };
}

function responsesUsage({ usage }: Spoken): unknown {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached, cache_write_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}
