import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';

/** llama.cpp by its binding and nothing else, to measure against: reads a line with a job, does it, and writes a line with what it took. */
type Job = { readonly prompt: string; readonly tokens: number };
export type Took = { readonly promptTokens: number; readonly promptMs: number; readonly tokens: number; readonly generationMs: number };

const [path = '', threads = '1'] = process.argv.slice(2);
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  maxThreads: Number(threads),
  logLevel: LlamaLogLevel.error,
  progressLogs: false,
});
const model = await llama.loadModel({ modelPath: path, useMmap: true });
const context = await model.createContext({ threads: Number(threads), sequences: 1, contextSize: 2048, batchSize: 512 });
const sequence = context.getSequence();
process.stdout.write('{}\n');

for await (const line of console) {
  if (line === '') break;
  const job = JSON.parse(line) as Job;
  await sequence.clearHistory();
  process.stdout.write(`${JSON.stringify(await take(job))}\n`);
}
process.exit(0);

async function take({ prompt, tokens }: Job): Promise<Took> {
  const asked: Token[] = model.tokenize(prompt);
  const startedAt = performance.now();
  let firstAt = 0;
  let count = 0;
  for await (const _ of sequence.evaluate(asked, { temperature: 0, yieldEogToken: true })) {
    if (count++ === 0) firstAt = performance.now();
    if (count === tokens) break;
  }
  return { promptTokens: asked.length, promptMs: firstAt - startedAt, tokens: count - 1, generationMs: performance.now() - firstAt };
}
