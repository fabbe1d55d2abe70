import type { Asked } from './asked.ts';
import { parseJson } from './json.ts';
import { thirds } from './openai-chat.ts';
import { type Frame, json, type Reply } from './reply.ts';
import type { Rule } from './rule.ts';
import type { Spoken } from './spoken.ts';

/** `/v1/messages`, whole and in events. */
const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' } as const;

export function messagesReply(asked: Asked, spoken: Spoken, rule: Rule, id: number): Reply {
  if (asked.stream) return { kind: 'stream', frames: messagesFrames(asked, spoken, rule, id) };
  return json(messageOf(asked, spoken, rule, id));
}

function messageOf(asked: Asked, spoken: Spoken, rule: Rule, id: number): object {
  const stop = stopOf(spoken);
  const usage = rule.garble?.kind === 'no-usage' ? {} : { usage: messagesUsage(spoken, spoken.usage.output) };
  return { ...shell(asked, id), content: blocksOf(spoken).map(({ block }) => block), ...stop, ...usage };
}

type Block = { readonly block: object; readonly opened: object; readonly deltas: readonly object[] };

function blocksOf(spoken: Spoken): Block[] {
  const text = spoken.refusal === '' ? spoken.text : spoken.refusal;
  const pieces = spoken.refusal === '' ? spoken.pieces : [spoken.refusal];
  const blocks: Block[] = [];
  if (spoken.reasoning !== '') {
    const thinking = { type: 'thinking', thinking: spoken.reasoning, signature: 'fake-signature' };
    const deltas = [
      { type: 'thinking_delta', thinking: spoken.reasoning },
      { type: 'signature_delta', signature: 'fake-signature' },
    ];
    blocks.push({ block: thinking, opened: { ...thinking, thinking: '', signature: '' }, deltas });
  }
  if (text !== '')
    blocks.push({
      block: { type: 'text', text, citations: [] },
      opened: { type: 'text', text: '', citations: [] },
      deltas: pieces.map((piece) => ({ type: 'text_delta', text: piece })),
    });
  for (const call of spoken.toolCalls) {
    const block = {
      type: 'tool_use',
      id: call.id.replace('call', 'toolu'),
      name: call.name,
      input: parseJson(call.arguments) ?? {},
      caller: { type: 'direct' },
    };
    blocks.push({ block, opened: { ...block, input: {} }, deltas: thirds(call.arguments).map((part) => ({ type: 'input_json_delta', partial_json: part })) });
  }
  return blocks;
}

function messagesFrames(asked: Asked, spoken: Spoken, rule: Rule, id: number): Frame[] {
  const frames: Frame[] = [];
  const hasUsage = rule.garble?.kind !== 'no-usage';
  const emit = (kind: Frame['kind'], type: string, fields: object): void => void frames.push({ kind, event: type, data: JSON.stringify({ type, ...fields }) });
  emit('open', 'message_start', {
    message: {
      ...shell(asked, id),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      ...(hasUsage ? { usage: messagesUsage(spoken, 1) } : {}),
    },
  });
  for (const [index, { opened, deltas }] of blocksOf(spoken).entries()) {
    emit('open', 'content_block_start', { index, content_block: opened });
    if (index === 0) emit('open', 'ping', {});
    for (const delta of deltas) emit('piece', 'content_block_delta', { index, delta });
    emit('open', 'content_block_stop', { index });
  }
  emit('finish', 'message_delta', {
    delta: { ...stopOf(spoken), container: null },
    ...(hasUsage ? { usage: messagesUsage(spoken, spoken.usage.output) } : {}),
  });
  emit('done', 'message_stop', {});
  return frames;
}

function stopOf(spoken: Spoken): object {
  return { stop_reason: spoken.stoppedBy === null ? STOP_REASONS[spoken.finish] : 'stop_sequence', stop_sequence: spoken.stoppedBy, stop_details: null };
}

function shell(asked: Asked, id: number): object {
  return { id: `msg_fake_${id}`, type: 'message', role: 'assistant', model: asked.model, container: null };
}

function messagesUsage({ usage }: Spoken, outputTokens: number): object {
  return {
    input_tokens: usage.input - usage.cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cached,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: usage.reasoning },
    service_tier: 'standard',
    inference_geo: null,
    server_tool_use: null,
  };
}
