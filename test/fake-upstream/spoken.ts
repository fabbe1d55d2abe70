import { instanceOf } from '../../src/core/json-schema-instance.ts';
import { type Asked, type AskedTool, tokensOf } from './asked.ts';
import { hashOf } from './json.ts';
import type { Finish, Rule } from './rule.ts';

/** What the fake says, before any vendor's words are put around it: by the rule, else derived from the prompt. */
export type Spoken = {
  readonly pieces: readonly string[];
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finish: Finish;
  /** The stop sequence that ended the text. */
  readonly stoppedBy: string | null;
  readonly usage: SpokenUsage;
};

export type SpokenUsage = { readonly input: number; readonly output: number; readonly cached: number; readonly reasoning: number };

export function speak(asked: Asked, rule: Rule, id: number): Spoken {
  const reasoning = rule.reasoning ?? '';
  const refusal = rule.refusal ?? '';
  const toolCalls =
    rule.toolCalls ??
    (rule.text === undefined && rule.chunks === undefined
      ? chosenTools(asked).map((tool) => ({ name: tool.name, arguments: instanceOf(tool.parameters, asked.prompt) }))
      : []);
  const calls = toolCalls.map((call, index) => ({
    id: `call_fake_${id}_${index}`,
    name: call.name,
    arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));
  const whole = calls.length > 0 && rule.text === undefined && rule.chunks === undefined ? [] : piecesOf(asked, rule);
  const { pieces, isCut, stoppedBy } = refusal === '' ? limited(whole, asked, rule) : { pieces: [], isCut: false, stoppedBy: null };
  const text = pieces.join('');
  const output = tokensOf(text + reasoning + refusal) + calls.reduce((sum, call) => sum + tokensOf(call.name + call.arguments), 0);
  return {
    pieces,
    text,
    reasoning,
    refusal,
    toolCalls: calls,
    stoppedBy,
    finish: rule.finish ?? finishOf(calls.length > 0, isCut),
    usage: {
      input: rule.usage?.input ?? asked.inputTokens,
      output: rule.usage?.output ?? output,
      cached: rule.usage?.cached ?? 0,
      reasoning: rule.usage?.reasoning ?? tokensOf(reasoning),
    },
  };
}

function finishOf(callsTools: boolean, isCut: boolean): Finish {
  if (callsTools) return 'tool_calls';
  return isCut ? 'length' : 'stop';
}

/** A tool is called when it must be, or when the prompt names it. */
function chosenTools(asked: Asked): readonly AskedTool[] {
  const { toolChoice, tools, toolResults } = asked;
  if (typeof toolChoice === 'object') return tools.filter((tool) => tool.name === toolChoice.name);
  if (toolChoice === 'none' || toolResults.length > 0) return [];
  const namedTools = tools.filter((tool) => asked.prompt.includes(tool.name));
  const wanted = namedTools.length === 0 && toolChoice === 'required' ? tools.slice(0, 1) : namedTools;
  return asked.parallelTools ? wanted : wanted.slice(0, 1);
}

function piecesOf(asked: Asked, rule: Rule): readonly string[] {
  const { chunks } = rule;
  if (typeof chunks === 'object') return chunks;
  if (chunks !== undefined && rule.text === undefined && rule.echo !== true) return Array.from({ length: chunks }, (_, index) => `word${index} `);
  const text = rule.text ?? (rule.echo === true ? asked.prompt : ownText(asked));
  return chunks === undefined ? (text.match(/\s*\S+|\s+$/g) ?? []) : evenly(text, chunks);
}

function ownText(asked: Asked): string {
  if (asked.schema !== undefined) return JSON.stringify(instanceOf(asked.schema, asked.prompt));
  if (asked.toolResults.length > 0) return `The tool said: ${asked.toolResults.join('; ')}`;
  const start = asked.prompt.slice(0, 60).replaceAll(/\s+/g, ' ');
  return `The fake upstream heard "${start}" and answers with number ${hashOf(asked.prompt) % 10_000}.`;
}

function evenly(text: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => text.slice(Math.floor((index * text.length) / count), Math.floor(((index + 1) * text.length) / count)));
}

/** Cuts at the first stop sequence, and at `max_tokens` unless the rule ignores it. */
function limited(pieces: readonly string[], asked: Asked, rule: Rule): { pieces: readonly string[]; isCut: boolean; stoppedBy: string | null } {
  const text = pieces.join('');
  const stops = asked.stop.map((stop) => ({ stop, at: text.indexOf(stop) })).filter(({ at }) => at !== -1);
  const first = stops.toSorted((left, right) => left.at - right.at)[0];
  const lengthMax = asked.maxTokens === null || rule.ignoreMaxTokens === true ? Infinity : asked.maxTokens * 4;
  const most = Math.min(first?.at ?? Infinity, lengthMax);
  if (most >= text.length) return { pieces, isCut: false, stoppedBy: null };
  const kept: string[] = [];
  for (let index = 0, length = 0; index < pieces.length && length < most; index += 1) {
    const piece = (pieces[index] ?? '').slice(0, most - length);
    kept.push(piece);
    length += piece.length;
  }
  const isCut = first === undefined || lengthMax < first.at;
  return { pieces: kept, isCut, stoppedBy: isCut ? null : first.stop };
}
