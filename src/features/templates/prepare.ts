import type { JsonSchema } from '../../core/json-schema.ts';
import { readParameters, RENDERED_CHARS_MAX, renderTemplate, type Template, type TemplateMessage } from '../../core/template.ts';
import { mistake, mistakesError } from './mistakes.ts';

/** A template filled with what a caller gave, or the error that says what does not fit. */
export type Prepared = { readonly messages: readonly TemplateMessage[]; readonly parameters: JsonSchema };

export function prepare(template: Template, input: string, given: JsonSchema): Prepared {
  const { values, problems } = readParameters(template, given);
  if (problems.length > 0) throw mistakesError(problems);
  const rendered = renderTemplate(template, input, values);
  if (rendered === null)
    throw mistake('input', `must be shorter: filled in, the template would have more than ${RENDERED_CHARS_MAX} characters`, { max: RENDERED_CHARS_MAX });
  return { messages: rendered.messages, parameters: values };
}
