import type { App } from '../../app.ts';
import type { ModelCall } from '../../app/gateway.ts';
import { AppError } from '../../contract/errors.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import type { ModelRequest } from '../../core/model-request.ts';
import type { ModelFacts } from '../../core/provider.ts';
import { readParameters, RENDERED_CHARS_MAX, renderTemplate, type Template, templateId, templateRequest } from '../../core/template.ts';
import { estimateInputTokens } from '../../core/tokens.ts';
import { modelCall } from '../../http/answer.ts';
import type { Exchange } from '../../http/route.ts';

/** A ready task is a built-in template: what the body of the request becomes. */
export type Asking = {
  readonly input: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  /** Instead of the template's own; null for plain text. */
  readonly output?: JsonSchema | null;
  readonly stream: boolean;
};

type Needs = Pick<App, 'config' | 'gateway'>;

export function taskCall(app: Needs, exchange: Exchange, template: Template, asking: Asking): ModelCall {
  const id = templateId(template);
  exchange.logFields['template_id'] = id;
  const rendered = renderTemplate(template, asking.input, defaulted(template, asking.parameters));
  if (rendered === null) throw new AppError('PAYLOAD_TOO_LARGE', { message: `The text is too long: a prompt may have ${RENDERED_CHARS_MAX} characters` });
  const { settings } = app.config();
  const output = asking.output === undefined ? template.output : (asking.output ?? undefined);
  const sampling = { temperature: asking.temperature ?? template.temperature ?? settings.defaultTemperature, maxTokens: asking.maxTokens };
  const request: Omit<ModelRequest, 'model'> = {
    ...templateRequest({ ...template, output }, rendered.messages, sampling),
    // The Responses API knows no stop texts.
    ...(asking.stop === undefined ? {} : { stop: asking.stop, dialect: 'openai-chat' as const }),
    stream: asking.stream,
  };
  return modelCall(exchange, { model: template.model, request, templateId: id });
}

/** Unset fields of a body are left out, so that the template's defaults stand in for them. */
function defaulted(template: Template, given: Readonly<Record<string, unknown>>): JsonSchema {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return readParameters(template, set).values;
}

export function taskFacts(app: Needs): ModelFacts {
  return app.gateway.resolve(undefined).facts;
}

/** What a task's prompt takes of the window before the text is in it. */
export function promptTokens(template: Template, parameters: Readonly<Record<string, unknown>>): number {
  const rendered = renderTemplate(template, '', defaulted(template, parameters));
  return estimateInputTokens({ messages: rendered?.messages ?? [] });
}
