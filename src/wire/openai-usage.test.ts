import { expect, test } from 'bun:test';
import { foldAnswer, type ModelEvent, type Usage } from '../core/events.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';

const USED = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 30, cacheWriteTokens: 50, reasoningTokens: 8 };

function usageOf(events: readonly ModelEvent[]): Usage | null {
  const fold = foldAnswer();
  for (const event of events) fold.add(event);
  return fold.usage();
}

test('both dialects tell what was read from the cache, what was written into it, and what was thought', () => {
  const input = { cached_tokens: 30, cache_write_tokens: 50 };
  const chat = openaiChat.decodeAnswer(
    {
      choices: [{ message: { content: 'Hello.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: input, completion_tokens_details: { reasoning_tokens: 8 } },
    },
    'm',
  );
  const responses = openaiResponses.decodeAnswer(
    {
      status: 'completed',
      output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello.' }] }],
      usage: { input_tokens: 100, output_tokens: 20, input_tokens_details: input, output_tokens_details: { reasoning_tokens: 8 } },
    },
    'm',
  );
  expect([usageOf(chat), usageOf(responses)]).toEqual([USED, USED]);
});
