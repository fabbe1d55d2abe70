/** A client that people have already, and what it does every day. */
export type Client = {
  readonly name: string;
  /** Brings it into a folder of its own, once. */
  readonly install: () => Promise<Program>;
  readonly flows: readonly string[];
  readonly ask: (program: Program, asking: Asking) => Promise<readonly Outcome[]>;
};

/** How it is started. */
export type Program = { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> };

export type Asking = {
  /** Of the service, without `/v1`. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  /** Its own, and empty: its home and its work are in it. */
  readonly folder: string;
};

export type Outcome = { readonly flow: string; readonly failed?: string };

export const DEMO = 'demo';
/** Of a provider that speaks OpenAI's dialects. */
export const GPT = 'gpt-5-mini';
/** Of one that speaks Anthropic's. */
export const CLAUDE = 'claude-haiku-4-5';
export const MODELS = [DEMO, GPT, CLAUDE];

export const LIMIT_MS = 240_000;

/** Does each in turn, and tells what became of it. */
export async function eachFlow(flows: Readonly<Record<string, () => Promise<void>>>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [flow, go] of Object.entries(flows)) {
    outcomes.push(
      await go().then(
        () => ({ flow }),
        (error: unknown) => ({ flow, failed: String(error) }),
      ),
    );
  }
  return outcomes;
}

export function hold(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise.slice(-2000));
}
