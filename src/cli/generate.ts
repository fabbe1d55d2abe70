import type { ErrorBody } from '../contract/errors.ts';
import type { Meta } from '../contract/generation.ts';
import { type Client, createClient } from './client.ts';
import { CommandError } from './command-error.ts';
import type { Environment } from './command-group.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupted, interruption } from './interruption.ts';
import { serverEvents } from './server-events.ts';

export type GenerateOptions = {
  readonly model?: string;
  readonly system?: string;
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxTokens?: number;
  readonly stream?: boolean;
  readonly cache?: boolean;
  readonly usage?: boolean;
  readonly json: boolean;
  readonly baseUrl?: string;
};

/** `sluice generate`: the answer on standard output, everything else on standard error. */
export async function generate(prompt: string | undefined, options: GenerateOptions, env: Environment): Promise<void> {
  const body = {
    prompt: await promptText(prompt),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.system === undefined ? {} : { system: options.system }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.topP === undefined ? {} : { top_p: options.topP }),
    ...(options.maxTokens === undefined ? {} : { max_tokens: options.maxTokens }),
  };
  const signal = interruption();
  const client = createClient({ baseUrl: options.baseUrl, env, signal });
  const headers: Record<string, string> = options.cache === false ? { 'cache-control': 'no-cache' } : {};
  const startedAt = performance.now();
  const meta = options.json || options.stream === false ? await whole(client, body, headers, options.json) : await streamed(client, body, headers);
  if (options.usage) process.stderr.write(`${usageLine(meta, performance.now() - startedAt)}\n`);
}

async function promptText(prompt: string | undefined): Promise<string> {
  if (prompt !== undefined && prompt !== '-') return prompt;
  if (prompt === undefined && process.stdin.isTTY) {
    const hint = 'Write it as an argument, or pipe it in: echo "Say hello" | sluice generate';
    throw new CommandError('there is no prompt', { hint, exitCode: EXIT.wrongUsage });
  }
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) text += String(piece);
  return text.trim();
}

async function whole(client: Client, body: object, headers: Record<string, string>, json: boolean): Promise<Meta> {
  const response = await client.post('/generate', body, headers);
  const text = await response.text();
  const answer = JSON.parse(text) as Meta & { readonly response: string };
  process.stdout.write(json ? `${text}\n` : `${answer.response}\n`);
  return answer;
}

async function streamed(client: Client, body: object, headers: Record<string, string>): Promise<Meta> {
  const response = await client.post('/generate?stream=true', body, headers);
  try {
    for await (const { event, data } of serverEvents(response)) {
      if (event === 'message') process.stdout.write(data);
      if (event === 'done') return JSON.parse(data) as Meta;
      if (event === 'error') throw brokenOff((JSON.parse(data) as ErrorBody).error);
    }
    throw brokenOff();
  } catch (cause) {
    throw cause instanceof CommandError || cause instanceof Interrupted ? cause : brokenOff();
  } finally {
    // However it ends, what comes next begins on a line of its own.
    process.stdout.write('\n');
  }
}

function brokenOff(refusal?: ErrorBody['error']): CommandError {
  if (refusal === undefined) return new CommandError('the answer broke off', { hint: 'The connection to the service ended before the answer did.' });
  return new CommandError(`the answer broke off: ${refusal.message}`, { hint: `${refusal.code}, request ${refusal.request_id}`, refusal });
}

function usageLine(meta: Meta, elapsedMs: number): string {
  const { model, usage, cost_usd: costUsd, cached, request_id: requestId } = meta;
  return `${model} · ${usage.input_tokens} in, ${usage.output_tokens} out · $${costUsd.toFixed(6)} · ${(elapsedMs / 1000).toFixed(2)} s · cache ${cached ? 'hit' : 'miss'} · ${requestId}`;
}
