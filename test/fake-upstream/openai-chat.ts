import type { Asked } from './asked.ts';
import type { Frame, Reply } from './reply.ts';
import { json } from './reply.ts';
import type { Rule } from './rule.ts';
import type { Spoken } from './spoken.ts';

/** `/v1/chat/completions`, whole and in events. */
export function chatReply(asked: Asked, spoken: Spoken, rule: Rule, id: number): Reply {
  const hasUsage = rule.garble?.kind !== 'no-usage';
  const base = {
    id: `chatcmpl-fake-${id}`,
    created: Math.floor(Date.now() / 1000),
    model: asked.model,
    service_tier: 'default',
    system_fingerprint: 'fp_fake',
  };
  if (asked.stream) return { kind: 'stream', frames: chatFrames(asked, spoken, base, hasUsage && asked.includeUsage) };
  const message = {
    role: 'assistant',
    content: spoken.refusal !== '' || (spoken.text === '' && spoken.toolCalls.length > 0) ? null : spoken.text,
    refusal: spoken.refusal === '' ? null : spoken.refusal,
    annotations: [],
    ...(spoken.reasoning === '' ? {} : { reasoning_content: spoken.reasoning }),
    ...(spoken.toolCalls.length === 0
      ? {}
      : { tool_calls: spoken.toolCalls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })) }),
  };
  const logprobs = asked.logprobs ? { content: spoken.pieces.map(logprob), refusal: null } : null;
  const choices = Array.from({ length: asked.choices }, (_, index) => ({ index, message, logprobs, finish_reason: spoken.finish }));
  return json({ ...base, object: 'chat.completion', choices, ...(hasUsage ? { usage: chatUsage(spoken, asked.choices) } : {}) });
}

function chatFrames(asked: Asked, spoken: Spoken, base: object, withUsage: boolean): Frame[] {
  const chunk = (kind: Frame['kind'], choices: readonly unknown[], usage: unknown = null): Frame => ({
    kind,
    data: JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...(withUsage ? { usage } : {}) }),
  });
  const frames: Frame[] = [];
  for (let index = 0; index < asked.choices; index += 1) {
    const say = (kind: Frame['kind'], delta: object, finish: string | null = null, logprobs: unknown = null): void => {
      frames.push(chunk(kind, [{ index, delta, logprobs, finish_reason: finish }]));
    };
    say('open', { role: 'assistant', content: spoken.toolCalls.length > 0 && spoken.text === '' ? null : '', refusal: null });
    if (spoken.reasoning !== '') say('piece', { reasoning_content: spoken.reasoning });
    if (spoken.refusal !== '') say('piece', { refusal: spoken.refusal });
    for (const piece of spoken.pieces) say('piece', { content: piece }, null, asked.logprobs ? { content: [logprob(piece)], refusal: null } : null);
    for (const [toolIndex, call] of spoken.toolCalls.entries()) {
      say('piece', { tool_calls: [{ index: toolIndex, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] });
      for (const part of thirds(call.arguments)) say('piece', { tool_calls: [{ index: toolIndex, function: { arguments: part } }] });
    }
    say('finish', {}, spoken.finish);
  }
  if (withUsage) frames.push(chunk('usage', [], chatUsage(spoken, asked.choices)));
  return [...frames, { kind: 'done', data: '[DONE]' }];
}

export function thirds(text: string): string[] {
  const size = Math.max(1, Math.ceil(text.length / 3));
  return [text.slice(0, size), text.slice(size, 2 * size), text.slice(2 * size)].filter((part) => part !== '');
}

function chatUsage({ usage }: Spoken, choices: number): unknown {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output * choices,
    total_tokens: usage.input + usage.output * choices,
    prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoning, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}

function logprob(token: string): unknown {
  return { token, logprob: -0.1, bytes: [...Buffer.from(token)], top_logprobs: [] };
}
