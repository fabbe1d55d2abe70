/**
 * How fast a local model is behind Sluice, next to llama.cpp's own binding with nothing around it, on the same file and threads, in turns:
 * `bun bench/local.ts [--model FILE] [--threads N] [--rounds N] [--python FILE]`. Without a file one of TinyLlama's shape is made, with random
 * weights. With a Python that has torch and transformers, these take part too.
 */
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Took } from './local/bare.ts';
import { type Answered, ask, memoryOf, type Service, startService } from './local/sluice.ts';
import { tinyllamaShaped } from './local/shape.ts';
import { cpuMicrosBetween, cpuTimes } from './process-tree.ts';
import { startSimulator } from './simulator.ts';

const { values } = parseArgs({
  options: { model: { type: 'string' }, threads: { type: 'string' }, rounds: { type: 'string', default: '3' }, python: { type: 'string' } },
});
const threads = Number(values.threads ?? Math.max(1, availableParallelism() - 1));
const file = values.model ?? join(tmpdir(), 'sluice-bench-tinyllama-shaped.gguf');
const TOKENS = 64;
/** About a thousand tokens. */
const LONG_WORDS = 570;
const WORDS = 'the time of people and water is a long way down to the field where rice grows in the sun and the gate opens for all who ask '.split(' ');
/** None begins as another does, so that nothing of it was read before. */
const promptOf = (words: number, seed: number): string =>
  `${seed} ${Array.from({ length: words }, (_, index) => WORDS[(index * 7 + seed) % WORDS.length]).join(' ')}`;

tinyllamaShaped(file);
const bare = await startPeer([process.execPath, '--no-env-file', join(import.meta.dir, 'local/bare.ts'), file, String(threads)]);
const transformers =
  values.python === undefined ? null : await startPeer([values.python, join(import.meta.dir, 'local/transformers_peer.py'), String(threads)]);
const service = await startService({ model: file, threads, upstreamUrl: `http://127.0.0.1:${startSimulator().port}/v1` });
const found: Record<string, number[]> = {};
const note = (name: string, value: number): void => void (found[name] ??= []).push(value);

await ask(service.url, 'warm', 2);
await bare.take({ prompt: 'warm', tokens: 2 });
await transformers?.take({ promptTokens: 10, tokens: 2 });
for (let round = 0; round < Number(values.rounds); round++) {
  await bareOne(round);
  const { promptTokens } = await serviceOne(round);
  if (transformers !== null) await transformersOne(transformers, promptTokens);
  await serviceFour(round);
  await shortBesideLong(round);
}
await othersBesideWork(service);
const { mb, fileMb } = service.memory();
note('memory, MB', mb);
note('of that pages of the file, MB', fileMb);
note('load: service, ms', service.loadMs);
note('load: binding, ms', bare.loadMs);
if (transformers !== null) note('memory of transformers, MB', memoryOf(transformers.pid).mb);
for (const [name, each] of Object.entries(found))
  process.stdout.write(`${name.padEnd(52)} ${median(each).toFixed(2).padStart(9)}   (${each.map((one) => one.toFixed(2)).join(', ')})\n`);
for (const kind of ['prompt', 'generation']) {
  for (const unit of ['tokens/s', 'tokens/s of CPU']) {
    const ratio = median(found[`${kind}: service, ${unit}`] ?? []) / median(found[`${kind}: binding, ${unit}`] ?? []);
    process.stdout.write(`${`${kind}: service / binding, ${unit}`.padEnd(52)} ${ratio.toFixed(3).padStart(9)}\n`);
  }
}
await service.stop();
bare.stop();
transformers?.stop();
process.exit(0);

async function bareOne(round: number): Promise<void> {
  const [took, cpu] = await cpuOf(bare.pid, () => bare.take({ prompt: promptOf(80, round), tokens: TOKENS }));
  const [, cpuOfPrompt] = await cpuOf(bare.pid, () => bare.take({ prompt: promptOf(80, round + 500), tokens: 1 }));
  noteCpu('binding', { promptTokens: took.promptTokens, cpu, cpuOfPrompt });
  note('prompt: binding, tokens/s', (took.promptTokens / took.promptMs) * 1000);
  note('generation: binding, tokens/s', (took.tokens / took.generationMs) * 1000);
}

async function serviceOne(round: number): Promise<Answered> {
  const [one, cpu] = await cpuOf(service.pid, () => ask(service.url, promptOf(80, round + 100), TOKENS));
  const [, cpuOfPrompt] = await cpuOf(service.pid, () => ask(service.url, promptOf(80, round + 600), 1));
  noteCpu('service', { promptTokens: one.promptTokens, cpu, cpuOfPrompt });
  note('prompt: service, tokens/s', (one.promptTokens / one.firstMs) * 1000);
  note('generation: service, tokens/s', ((one.tokens - 1) / (one.lastMs - one.firstMs)) * 1000);
  return one;
}

async function transformersOne(peer: Peer, promptTokens: number): Promise<void> {
  const took = await peer.take({ promptTokens, tokens: TOKENS });
  note('prompt: transformers, tokens/s', (took.promptTokens / took.promptMs) * 1000);
  note('generation: transformers, tokens/s', (took.tokens / took.generationMs) * 1000);
}

type Cpu = { readonly promptTokens: number; readonly cpu: number; readonly cpuOfPrompt: number };

/** Tokens for a second of the model's CPU: what other programs on the machine do counts for less in it. */
function noteCpu(whose: string, { promptTokens, cpu, cpuOfPrompt }: Cpu): void {
  note(`prompt: ${whose}, tokens/s of CPU`, (promptTokens / cpuOfPrompt) * 1e6);
  note(`generation: ${whose}, tokens/s of CPU`, ((TOKENS - 1) / (cpu - cpuOfPrompt)) * 1e6);
}

async function cpuOf<Done>(pid: number, run: () => Promise<Done>): Promise<readonly [Done, number]> {
  const before = cpuTimes([pid]);
  const done = await run();
  return [done, cpuMicrosBetween(before, cpuTimes([pid]))];
}

/** Four at once, next to four one after the other, and how even it is. */
async function serviceFour(round: number): Promise<void> {
  const four = (at: number): string[] => [0, 1, 2, 3].map((nth) => promptOf(10, at + round * 10 + nth));
  const beganAt = performance.now();
  for (const prompt of four(2000)) await ask(service.url, prompt, TOKENS);
  const oneByOneMs = performance.now() - beganAt;
  const togetherAt = performance.now();
  const ends = (await Promise.all(four(3000).map((prompt) => ask(service.url, prompt, TOKENS)))).map(({ lastMs }) => lastMs);
  note('four at once: as fast as one after the other', oneByOneMs / (performance.now() - togetherAt));
  note('four at once: first to end / last to end', Math.min(...ends) / Math.max(...ends));
}

async function shortBesideLong(round: number): Promise<void> {
  const long = ask(service.url, promptOf(LONG_WORDS, round + 50), 2);
  await Bun.sleep(1000);
  const short = await ask(service.url, 'hi', 2);
  const { promptTokens } = await long;
  note(`first piece of a short question beside one of ${promptTokens} tokens, ms`, short.firstMs);
}

/** Whether the service itself is slower while its model generates flat out. */
async function othersBesideWork({ url }: Service): Promise<void> {
  const others = {
    '/healthz': () => fetch(`${url}/healthz`),
    'a call of the cloud': () =>
      fetch(`${url}/generate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: JSON.stringify({ prompt: 'hi', model: 'openai/gpt-4o-mini' }),
      }),
  };
  for (const [what, call] of Object.entries(others)) {
    const p99 = async (until: () => boolean): Promise<number> => {
      const times: number[] = [];
      while (!until()) {
        const at = performance.now();
        const response = await call();
        await response.text();
        if (!response.ok) throw new Error(`${what} answered ${response.status}`);
        times.push(performance.now() - at);
        await Bun.sleep(5);
      }
      return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? 0;
    };
    for (let turn = 0; turn < Number(values.rounds); turn++) {
      const endsAt = performance.now() + 8000;
      note(`p99 of ${what}, nothing else to do, ms`, await p99(() => performance.now() > endsAt));
      let isBusy = true;
      const work = Promise.all([0, 1, 2, 3].map((seed) => ask(url, promptOf(20, 900 + turn * 10 + seed), 50))).finally(() => (isBusy = false));
      note(`p99 of ${what} while the model generates, ms`, await p99(() => !isBusy));
      await work;
    }
  }
}

type Peer = {
  readonly loadMs: number;
  readonly pid: number;
  readonly take: (job: object) => Promise<Took>;
  readonly stop: () => void;
};

/** A program that reads a job from each line, and writes a line with what it took. */
async function startPeer(command: readonly string[]): Promise<Peer> {
  const startedAt = performance.now();
  const child = Bun.spawn([...command], { env: { PATH: process.env['PATH'] ?? '' }, stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
  const lines = linesOf(child.stdout);
  await lines.next();
  return {
    loadMs: performance.now() - startedAt,
    pid: child.pid,
    async take(job) {
      void child.stdin.write(`${JSON.stringify(job)}\n`);
      void child.stdin.flush();
      return JSON.parse((await lines.next()).value ?? '{}') as Took;
    },
    stop: () => child.kill(),
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    yield* lines;
  }
  return undefined;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
