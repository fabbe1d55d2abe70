import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { generateText, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import { run } from '../scripts/testing/process.ts';
import { installPython } from '../scripts/testing/python.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, type Sluice, signIn, startSluice } from './harness.ts';

/**
 * Clients that people have already, as they come from their registries, with nothing changed but the base URL: on the demo model, on a provider
 * that speaks OpenAI's dialect, and on one that speaks Anthropic's.
 */
const MODELS = ['demo', 'gpt-4o-mini', 'claude-haiku-4-5'];
const INSTALL_LIMIT_MS = 300_000;

let upstream: FakeUpstream;
let sluice: Sluice;
let key = '';

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
      ANTHROPIC_BASE_URL: upstream.url.replace(/\/v1$/, ''),
      UPSTREAM_BACKOFF_BASE_S: '0.01',
      JOB_POLL_INTERVAL_S: '0.2',
    },
  });
  const made = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'clients' }, headers: await signIn(sluice.url) });
  ({ key } = made.json);
  upstream.script([
    { match: { prompt: '21 degrees' }, text: 'It is mild.' },
    { match: { prompt: 'get_weather' }, toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }] },
    { match: { prompt: 'json' }, text: '{"city":"Paris"}' },
  ]);
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});

type Outcome = { readonly flow: string; readonly came?: Record<string, unknown>; readonly failed?: string };

describe.each(MODELS)('the Python clients of OpenAI and Anthropic on %s', (model) => {
  test(
    'do what they do every day',
    async () => {
      const python = await installPython('clients', join(import.meta.dir, 'clients/requirements.txt'));
      const ended = await run({
        command: [...python.command, join(import.meta.dir, 'clients/flows.py'), sluice.url, key, model],
        limitMs: 60_000,
        env: { ...python.env, PYTHONDONTWRITEBYTECODE: '1' },
      });
      const outcomes = ended.output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Outcome);
      expect(outcomes.filter(({ failed }) => failed !== undefined)).toEqual([]);
      const came = Object.fromEntries(outcomes.map((each) => [each.flow, each.came ?? {}]));
      expect(Object.keys(came)).toHaveLength(15);
      expect(came).toMatchObject({
        chat: { finish: 'stop' },
        chat_stream: { text: came['chat']?.['text'], tokens: came['chat']?.['tokens'] },
        chat_tools: { called: 'get_weather', arguments: { city: expect.any(String) } },
        chat_schema: { value: { city: expect.any(String) } },
        chat_error: { code: 'model_not_found', status: 404, request_id: expect.stringMatching(/^req_/) },
        responses: { status: 'completed' },
        responses_stream: { text: came['responses']?.['text'], first: 'response.created', last: 'response.completed' },
        embeddings: { indices: [0, 1], sizes: 1 },
        models: { listed: true },
        messages: { stop: 'end_turn' },
        messages_stream: { text: came['messages_stream']?.['final'] },
        messages_tools: { called: 'get_weather', stop: 'tool_use' },
        messages_error: { type: 'not_found_error', status: 404 },
        batch: { status: 'completed', filename: 'übung.jsonl', names: ['one', 'two'], codes: [200, 200], listed: true },
        message_batch: { succeeded: 2, names: ['one', 'two'], kinds: ['succeeded', 'succeeded'] },
      });
    },
    INSTALL_LIMIT_MS,
  );
});

const weather = tool({ description: 'The weather of a place', inputSchema: z.object({ city: z.string() }), execute: ({ city }) => `21 degrees in ${city}` });

describe.each(MODELS)("Vercel's AI SDK on %s", (name) => {
  const surfaces: readonly (readonly [string, () => LanguageModel])[] = [
    ['chat completions', () => createOpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key }).chat(name)],
    ['responses', () => createOpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key }).responses(name)],
    ['messages', () => createAnthropic({ baseURL: `${sluice.url}/v1`, apiKey: key })(name)],
  ];
  test.each(surfaces)('by %s generates, streams, calls tools and fills a form', async (_surface, modelOf) => {
    const model = modelOf();
    const whole = await generateText({ model, prompt: 'Say hello' });
    expect([whole.finishReason, whole.text === '', (whole.usage.totalTokens ?? 0) > 0]).toEqual(['stop', false, true]);
    const streamed = streamText({ model, prompt: 'Say hello' });
    let text = '';
    for await (const piece of streamed.textStream) text += piece;
    expect([await streamed.finishReason, text]).toEqual(['stop', whole.text]);
    const withTools = await generateText({
      model,
      prompt: 'What is the weather in Paris? Use get_weather.',
      tools: { get_weather: weather },
      stopWhen: stepCountIs(3),
    });
    expect(withTools.steps[0]?.toolCalls.map(({ toolName }) => toolName)).toEqual(['get_weather']);
    expect(withTools.text).not.toBe('');
    const { output } = await generateText({ model, prompt: 'Answer in json', output: Output.object({ schema: z.object({ city: z.string() }) }) });
    expect(typeof output.city).toBe('string');
  });
});

const looking = langchainTool(({ city }: { city: string }) => `21 degrees in ${city}`, {
  name: 'get_weather',
  description: 'The weather of a place',
  schema: z.object({ city: z.string() }),
});

describe.each(MODELS)('LangChain on %s', (model) => {
  const openai = () => new ChatOpenAI({ model, apiKey: key, configuration: { baseURL: `${sluice.url}/v1` }, maxRetries: 0 });
  const anthropic = () => new ChatAnthropic({ model, apiKey: key, anthropicApiUrl: sluice.url, maxTokens: 100, maxRetries: 0 });
  test.each([
    ['chat completions', openai],
    ['messages', anthropic],
  ])('by %s invokes, streams and calls tools', async (_surface, made) => {
    const chat = made();
    const answer = await chat.invoke('Say hello');
    expect(answer.text).not.toBe('');
    expect(answer.usage_metadata).toMatchObject({ total_tokens: expect.any(Number) });
    let text = '';
    for await (const chunk of await chat.stream('Say hello')) text += chunk.text;
    expect(text).toBe(answer.text);
    const question = new HumanMessage('What is the weather in Paris? Use get_weather.');
    const asked = await chat.bindTools([looking], { tool_choice: 'any' }).invoke([question]);
    expect(asked.tool_calls?.map(({ name }) => name)).toEqual(['get_weather']);
    const results = await Promise.all((asked.tool_calls ?? []).map((each) => looking.invoke({ ...each, args: { city: 'Paris' }, type: 'tool_call' })));
    expect((await chat.bindTools([looking]).invoke([question, asked, ...results])).text).not.toBe('');
  });

  test('embeds', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: model === 'demo' ? 'demo' : 'text-embedding-3-small',
      apiKey: key,
      configuration: { baseURL: `${sluice.url}/v1` },
    });
    const [one, two] = await embeddings.embedDocuments(['one', 'two']);
    expect([one?.length === two?.length, (one?.length ?? 0) > 0]).toEqual([true, true]);
  });
});
