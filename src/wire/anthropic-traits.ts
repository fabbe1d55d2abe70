import type { ModelFacts } from '../core/provider.ts';

/** What decides how a model wants to be asked by the Messages API. */
export type MessagesTraits = {
  /** Whether it takes temperature and top_p: Claude models do up to 4.0, one of the two up to 4.6, and neither since. */
  readonly sampling: 'both' | 'one' | 'none';
  /** Can be made to call a tool: Claude models can up to 5.0. */
  readonly forcedTools: boolean;
  /** Can be made to answer in JSON of a given form. */
  readonly jsonFormat: boolean;
  /** The Messages API wants to be told the longest answer. */
  readonly outputTokensMax: number;
};

/** By the migration guides of https://platform.claude.com/docs/en/models: what a model does not take it answers with 400. */
export function messagesTraits({ id, capabilities, outputTokensMax }: ModelFacts): MessagesTraits {
  const generation = claudeGeneration(id);
  return {
    sampling: generation >= 4.7 ? 'none' : generation >= 4.1 ? 'one' : 'both',
    forcedTools: generation < 5.1,
    // Servers of other models speak this dialect too, and leave out what is newer than they are.
    jsonFormat: id.includes('claude') && capabilities.includes('json_schema'),
    outputTokensMax,
  };
}

/** 4.5 for `claude-sonnet-4-5-20250929`; 0 for older names, which have it elsewhere, and for models of others. */
function claudeGeneration(id: string): number {
  const [, major, minor = '0'] = /claude-[a-z]+-(\d)(?:[-.](\d))?(?!\d)/.exec(id) ?? [];
  return major === undefined ? 0 : Number(`${major}.${minor}`);
}
