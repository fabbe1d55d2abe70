import { isRecord } from './json-schema-parts.ts';
import { type JsonSchema, validate, type ValueProblem, withDefaults } from './json-schema.ts';
import type { ModelRequest } from './model-request.ts';

/** A prompt with holes. A version never changes. */
export type Template = {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly messages: readonly TemplateMessage[];
  readonly parameters: JsonSchema;
  readonly model?: string | undefined;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly output?: JsonSchema | undefined;
};

export type TemplateMessage = { readonly role: 'system' | 'user' | 'assistant'; readonly content: string };

export const INPUT = 'input';

// A placeholder that is used often multiplies what a caller sends: with this, a prompt is never longer than its template and ten times the values.
export const USES_MAX = 10;
/** As much as the largest body of a request. */
export const RENDERED_CHARS_MAX = 10_485_760;

const VERSION_DIGITS_MAX = 9;
const ID = new RegExp(`^([a-z][a-z0-9_-]{0,63}?)(?:_v([1-9]\\d{0,${VERSION_DIGITS_MAX - 1}}))?$`);

export type TemplateRef = { readonly name: string; readonly version: number | null };

/** `summarize_v2` is version 2 of `summarize`; `summarize` is the newest; null is no id at all. */
export function parseTemplateId(id: string): TemplateRef | null {
  const [, name, version] = ID.exec(id) ?? [];
  return name === undefined ? null : { name, version: version === undefined ? null : Number(version) };
}

export function templateId(template: Pick<Template, 'name' | 'version'>): string {
  return `${template.name}_v${template.version}`;
}

type Piece = { readonly text: string } | { readonly name: string };
type Parsed = { readonly pieces: readonly Piece[]; readonly mistake: string | null };

const PLACEHOLDER = /\{\{[ \t]{0,16}([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]{0,16}\}\}/y;

/** One pass from left to right: what stands in a value is never looked at. */
export function parseContent(content: string): Parsed {
  const pieces: Piece[] = [];
  let from = 0;
  let at = content.indexOf('{{');
  for (; at >= 0; at = content.indexOf('{{', from)) {
    if (at > from && content[at - 1] === '\\') {
      pieces.push({ text: `${content.slice(from, at - 1)}{{` });
      from = at + 2;
      continue;
    }
    PLACEHOLDER.lastIndex = at;
    const name = PLACEHOLDER.exec(content)?.[1];
    if (name === undefined)
      return {
        pieces,
        mistake: `${JSON.stringify(content.slice(at, at + 24))} at character ${at + 1} is no placeholder: write {{ name }}, or \\{{ for the text itself`,
      };
    pieces.push({ text: content.slice(from, at) }, { name });
    from = PLACEHOLDER.lastIndex;
  }
  pieces.push({ text: content.slice(from) });
  return { pieces, mistake: null };
}

/** The names that the messages use, in the order they come. */
export function placeholders(messages: readonly TemplateMessage[]): string[] {
  return [...new Set(messages.flatMap(({ content }) => namesIn(content)))];
}

function namesIn(content: string): string[] {
  return parseContent(content).pieces.flatMap((piece) => ('name' in piece ? [piece.name] : []));
}

export type ReadParameters = { readonly values: JsonSchema; readonly problems: readonly ValueProblem[] };

/** The parameters with their defaults, and what is wrong with them by the template's schema. */
export function readParameters(template: Pick<Template, 'parameters'>, given: JsonSchema): ReadParameters {
  const values = withDefaults(template.parameters, given);
  return { values: isRecord(values) ? values : {}, problems: validate(template.parameters, values, 'parameters') };
}

export type Rendered = { readonly messages: readonly TemplateMessage[]; readonly chars: number };

/** The messages with every hole filled; null when they would be longer than anything may be. */
export function renderTemplate(template: Pick<Template, 'messages'>, input: string, parameters: JsonSchema): Rendered | null {
  const texts = new Map<string, string>([[INPUT, input]]);
  const textOf = (name: string): string => {
    const known = texts.get(name);
    if (known !== undefined) return known;
    const text = valueText(Object.hasOwn(parameters, name) ? parameters[name] : undefined);
    texts.set(name, text);
    return text;
  };
  const parsed = template.messages.map(({ role, content }) => ({ role, pieces: parseContent(content).pieces }));
  let chars = 0;
  let hasInput = false;
  for (const { pieces } of parsed) {
    for (const piece of pieces) {
      chars += 'name' in piece ? textOf(piece.name).length : piece.text.length;
      if ('name' in piece && piece.name === INPUT) hasInput = true;
    }
  }
  if (!hasInput) chars += input.length;
  if (chars > RENDERED_CHARS_MAX) return null;
  const messages: TemplateMessage[] = parsed.map(({ role, pieces }) => ({
    role,
    content: pieces.map((piece) => ('name' in piece ? textOf(piece.name) : piece.text)).join(''),
  }));
  if (!hasInput) messages.push({ role: 'user', content: input });
  return { messages, chars };
}

/** Text stands as it is, everything else as JSON; what was not given and has no default is empty. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

export type Sampling = { readonly temperature: number; readonly maxTokens: number };

/** What a rendered template asks of a model. */
export function templateRequest(template: Template, messages: readonly TemplateMessage[], sampling: Sampling): Omit<ModelRequest, 'model'> {
  return {
    messages,
    temperature: sampling.temperature,
    maxTokens: sampling.maxTokens,
    ...(template.top_p === undefined ? {} : { topP: template.top_p }),
    ...(template.output === undefined ? {} : { output: { name: template.name, schema: template.output } }),
    stream: false,
    dialect: 'openai-responses',
  };
}
