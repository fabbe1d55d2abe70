// The OpenAI Agents SDK for JavaScript: bun openai-agents-flows.js BASE_URL KEY MODEL, told as told.py does.
import { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, run, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';

const [baseUrl, key, name] = process.argv.slice(2);
setTracingDisabled(true);
const client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: key, maxRetries: 0 });
const models = [new OpenAIChatCompletionsModel(client, name), new OpenAIResponsesModel(client, name)];

let called = 0;
const weather = tool({
  name: 'get_weather',
  description: 'The weather of a place',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => {
    called += 1;
    return `21 degrees in ${city}`;
  },
});
const QUESTION = 'What is the weather in Paris? Use get_weather.';

const flows = {
  async chat(model) {
    const result = await run(new Agent({ name: 'host', instructions: 'Be brief.', model }), 'Say hello');
    hold(result.finalOutput, 'there is no output');
    hold(result.state.usage.totalTokens > 0, 'there is no usage');
  },
  async stream(model) {
    const result = await run(new Agent({ name: 'host', model }), 'Say hello', { stream: true });
    let text = '';
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    hold(text !== '' && text === result.finalOutput, `the pieces are ${text}, the whole is ${result.finalOutput}`);
  },
  async tools(model) {
    const result = await run(new Agent({ name: 'host', model, tools: [weather] }), QUESTION);
    hold(called === 1, `the tool was called ${called} times`);
    hold(result.finalOutput, 'there is no output');
  },
  async streamed_tools(model) {
    const result = await run(new Agent({ name: 'host', model, tools: [weather] }), QUESTION, { stream: true });
    const names = [];
    for await (const event of result) if (event.type === 'run_item_stream_event') names.push(event.name);
    hold(called === 1 && names.includes('tool_output'), names.join(', '));
  },
  async structured(model) {
    const agent = new Agent({ name: 'host', model, outputType: z.object({ city: z.string() }) });
    const result = await run(agent, 'Which city? Answer in json.');
    hold(typeof result.finalOutput?.city === 'string', JSON.stringify(result.finalOutput));
  },
};

for (const [flow, go] of Object.entries(flows)) {
  let failed;
  for (const model of models) {
    called = 0;
    await go(model).catch((error) => (failed ??= `${model.constructor.name}: ${error}`));
  }
  console.log(JSON.stringify({ flow, failed }));
}

function hold(isSo, otherwise) {
  if (!isSo) throw new Error(otherwise);
}
