import { checkSchema } from './json-schema-check.ts';
import { isRecord } from './json-schema-parts.ts';
import type { JsonSchema, ValueProblem } from './json-schema.ts';
import { INPUT, parseContent, type Template, type TemplateMessage, USES_MAX } from './template.ts';

/** What is wrong with a template that somebody wants to store, and what only looks wrong. */
export type TemplateCheck = { readonly problems: readonly ValueProblem[]; readonly warnings: readonly string[] };

type Checked = Pick<Template, 'messages' | 'parameters' | 'output'>;

const PARAMETERS_MAX = 100;
const CONTENT_CHARS_MAX = 200_000;
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
export const STORABLE_WORDS = 'must be whole Unicode text without the character zero';

export function checkTemplate(template: Checked): TemplateCheck {
  const properties = isRecord(template.parameters['properties']) ? template.parameters['properties'] : {};
  const names = Object.keys(properties);
  const uses = new Map<string, number>();
  const known = new Set([INPUT, ...names]);
  const problems = [
    ...template.messages.flatMap((message, index) => contentProblems(message, `messages[${index}].content`, { known, uses })),
    ...shapeProblems(template.messages, uses),
    ...parameterProblems(template.parameters, names),
    ...outputProblems(template.output),
  ];
  const warnings = names.filter((name) => !uses.has(name)).map((name) => `No message uses the parameter ${name}.`);
  return { problems, warnings };
}

function wrong(path: string, words: string, details?: Readonly<Record<string, unknown>>): ValueProblem {
  return { path, code: 'INVALID_VALUE', message: `${path} ${words}`, ...(details ? { details } : {}) };
}

type Names = { readonly known: ReadonlySet<string>; readonly uses: Map<string, number> };

function contentProblems({ content }: TemplateMessage, path: string, { known, uses }: Names): ValueProblem[] {
  const { pieces, mistake } = parseContent(content);
  const problems: ValueProblem[] = mistake === null ? [] : [wrong(path, `is not well formed: ${mistake}`)];
  if (!isStorable(content)) problems.push(wrong(path, STORABLE_WORDS));
  for (const piece of pieces) {
    if (!('name' in piece)) continue;
    const { name } = piece;
    const count = (uses.get(name) ?? 0) + 1;
    uses.set(name, count);
    if (count === 1 && !known.has(name)) {
      problems.push(wrong(path, `uses the placeholder ${name}, which is not in parameters.properties`, { placeholder: name }));
    }
    if (count === USES_MAX + 1) {
      problems.push(wrong(path, `uses ${name} once too often: the messages together may have it ${USES_MAX} times`, { placeholder: name, max: USES_MAX }));
    }
  }
  return problems;
}

function shapeProblems(messages: readonly TemplateMessage[], uses: ReadonlyMap<string, number>): ValueProblem[] {
  const problems: ValueProblem[] = [];
  if (uses.has(INPUT) && !messages.some(({ role }) => role === 'user')) {
    problems.push(wrong('messages', 'must have one of the user, or leave {{ input }} out, which then is sent as one'));
  }
  const chars = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (chars > CONTENT_CHARS_MAX) {
    problems.push(wrong('messages', `must have at most ${CONTENT_CHARS_MAX} characters together`, { max: CONTENT_CHARS_MAX, received: chars }));
  }
  return problems;
}

function parameterProblems(parameters: JsonSchema, names: readonly string[]): ValueProblem[] {
  const broken = schemaProblems(parameters, 'parameters');
  if (broken.length > 0) return broken;
  const problems: ValueProblem[] = [];
  if (parameters['type'] !== 'object') problems.push(wrong('parameters.type', 'must be object'));
  if (parameters['additionalProperties'] !== false) {
    problems.push(wrong('parameters.additionalProperties', 'must be false or left out: every parameter has a name'));
  }
  if (names.length > PARAMETERS_MAX) problems.push(wrong('parameters.properties', `must have at most ${PARAMETERS_MAX} parameters`, { max: PARAMETERS_MAX }));
  const required: readonly unknown[] = Array.isArray(parameters['required']) ? parameters['required'] : [];
  const unknown = required.filter((name) => typeof name === 'string').find((name) => !names.includes(name));
  if (unknown !== undefined) problems.push(wrong('parameters.required', `names ${unknown}, which is not in parameters.properties`));
  return [...problems, ...names.flatMap(nameProblems)];
}

function nameProblems(name: string): ValueProblem[] {
  const path = `parameters.properties.${name}`;
  if (name === INPUT) return [wrong(path, 'cannot be a parameter: it is the input of the request')];
  return PARAMETER_NAME.test(name) ? [] : [wrong(path, 'must be named with letters, digits and underscores, at most 64')];
}

function outputProblems(output: JsonSchema | undefined): ValueProblem[] {
  if (output === undefined) return [];
  const problems = schemaProblems(output, 'output');
  if (problems.length === 0 && output['type'] !== 'object') return [wrong('output.type', 'must be object: providers answer with JSON objects only')];
  return problems;
}

function schemaProblems(schema: JsonSchema, field: string): ValueProblem[] {
  const problems = checkSchema(schema).map(({ path, message }) => wrong(path === '' ? field : `${field}.${path}`, message));
  return problems.length === 0 && !isStorableDeep(schema) ? [wrong(field, STORABLE_WORDS)] : problems;
}

/** The database keeps only whole Unicode text without the character zero. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function isStorableDeep(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, inner]) => isStorable(name) && isStorableDeep(inner));
}
