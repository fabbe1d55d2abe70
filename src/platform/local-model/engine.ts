import type { Llama, LlamaModel } from 'node-llama-cpp';
import type { LocalAsked, LocalVectors } from '../../core/local-model.ts';
import { createEmbedding } from './embedding.ts';
import { createSpeech, type Turn } from './speech.ts';
import type { Ending, ModelOptions } from './words.ts';

/** A model in the memory of this process. */
export type Engine = {
  readonly generate: (asked: LocalAsked, turn: Turn) => Promise<Ending>;
  readonly embed: (texts: readonly string[], turn: Pick<Turn, 'isCancelled'>) => Promise<LocalVectors>;
};

/** Throws where the model cannot be loaded. */
export async function loadEngine(options: ModelOptions, onProgress: (progress: number) => void): Promise<Engine> {
  const complaints: string[] = [];
  const llama = await openLlama(options.threads, (words) => complaints.push(words.trim()));
  try {
    // Read and not mapped: of the usual formats the processor wants its own order, which is a copy, and a mapped file would lie in memory beside it.
    const model = await llama.loadModel({ modelPath: options.path, useMmap: false, onLoadProgress: onProgress });
    return options.makes === 'vectors' ? await onlyEmbeds(model, options) : await onlySpeaks(llama, model, options);
  } catch (cause) {
    // The first complaint is the reason, and those behind it follow from it; where the file lies is for the log.
    const reason = complaints.find((words) => words !== '' && !words.includes(options.path));
    throw new Error([cause instanceof Error ? cause.message : String(cause), reason].filter((part) => part !== undefined).join(': '), { cause });
  }
}

/** Loaded here and nowhere else: the service runs without the package, on a machine for which there is none. */
async function openLlama(threads: number, complain: (words: string) => void): Promise<Llama> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp').catch((cause: unknown) => {
    throw new Error('node-llama-cpp, which runs the model, is not installed on this machine', { cause });
  });
  // Never built and never fetched at run time; and not more threads than asked, which wait for each other by spinning.
  return getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    logger: (_, words) => complain(words),
  });
}

async function onlySpeaks(llama: Llama, model: LlamaModel, options: ModelOptions): Promise<Engine> {
  const generate = await createSpeech(llama, model, options);
  return { generate, embed: () => Promise.reject(new Error('it makes no vectors')) };
}

async function onlyEmbeds(model: LlamaModel, options: ModelOptions): Promise<Engine> {
  const embed = await createEmbedding(model, options);
  return { embed, generate: () => Promise.reject(new Error('it does not speak')) };
}
