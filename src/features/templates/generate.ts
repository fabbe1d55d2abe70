import type { App } from '../../app.ts';
import type { StreamQuery } from '../../contract/generation.ts';
import type { TemplateGenerateBody } from '../../contract/templates.ts';
import { BUILT_IN } from '../../core/builtin-templates.ts';
import { type Sampling, type Template, templateId, templateRequest } from '../../core/template.ts';
import { answerStream, answerWhole, modelCall, wantsStream, type Whole } from '../../http/answer.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { cutOff, structuredAnswer } from '../../http/structured-answer.ts';
import { findTemplate } from './find.ts';
import { prepare, type Prepared } from './prepare.ts';
import { listVersions } from './store.ts';

type Generating = Exchange<undefined, StreamQuery, TemplateGenerateBody>;

export async function generateFromTemplate(app: App, exchange: Generating): Promise<Reply> {
  const startedAt = app.clock.monotonic();
  const { body, principal } = exchange;
  const { template } = await findTemplate(app, principal.projectId, body.template_id, 'template_id');
  const id = templateId(template);
  exchange.logFields['template_id'] = id;
  const prepared = prepare(template, body.input, body.parameters ?? {});
  const { settings } = app.config();
  const sampling = {
    temperature: body.temperature ?? template.temperature ?? settings.defaultTemperature,
    maxTokens: body.max_tokens ?? template.max_tokens ?? settings.defaultMaxTokens,
  };
  const stream = wantsStream(exchange);
  const call = modelCall(exchange, {
    model: body.model ?? template.model,
    request: { ...templateRequest(template, prepared.messages, sampling), stream },
    templateId: id,
  });
  if (stream) return answerStream(app, exchange, await app.gateway.run(call));

  const { answer, meta, headers } = template.output
    ? await answerFitting(app, exchange, call, template.output)
    : await answerWhole(exchange, await app.gateway.run(call));
  const latencyMs = Math.round((app.clock.monotonic() - startedAt) * 10) / 10;
  const debug = body.debug === true || settings.debug ? { prompt_debug: promptDebug(template, prepared, sampling, meta.model) } : {};
  return { headers, json: { output: answer.text === '' ? answer.refusal : answer.text, template_id: id, ...meta, latency_ms: latencyMs, ...debug } };
}

async function answerFitting(app: App, exchange: Exchange, call: ReturnType<typeof modelCall>, schema: NonNullable<Template['output']>): Promise<Whole> {
  const answered = await structuredAnswer(app, call, schema);
  if (answered.kind === 'cut') throw cutOff(answered.running);
  const whole = await answerWhole(exchange, answered.running);
  return { ...whole, answer: { ...whole.answer, text: JSON.stringify(answered.value) } };
}

function promptDebug(template: Template, prepared: Prepared, sampling: Sampling, model: string): object {
  return {
    messages: prepared.messages,
    parameters: prepared.parameters,
    model,
    temperature: sampling.temperature,
    top_p: template.top_p ?? null,
    max_tokens: sampling.maxTokens,
    output: template.output ?? null,
  };
}

const GUIDE_TEMPLATES_MAX = 100;
export const GENERATE_EXAMPLE = {
  template_id: 'summarize_v1',
  input: 'Sluice is one service for many models. It keeps budgets, caches answers and runs jobs.',
  parameters: { max_words: 50, style: 'bullets' },
};

/** `GET` on the same address: how to call it. */
export async function generateGuide(app: App, exchange: Exchange): Promise<Reply> {
  const { projectId } = exchange.principal;
  const own = await app.inProject(projectId, (db) => listVersions(db, projectId, { limit: GUIDE_TEMPLATES_MAX }));
  const templates = [...own.map(({ template }) => template), ...BUILT_IN];
  const url = `${new URL(exchange.request.url).origin}/api/v1/generate`;
  return {
    json: {
      description: 'Fills a template with your input and parameters, asks the model, and answers with what it said. `?stream=true` answers piece by piece.',
      method: 'POST',
      url,
      body: {
        template_id: 'Required. Id of a template; without its version, the newest.',
        input: 'Required. What the template is about.',
        parameters: 'As the template says, below; what is left out takes its default.',
        model: 'A model of GET /api/v1/models; the one of the template or the default where unsaid.',
        temperature: 'From 0 (always much the same) to 2.',
        max_tokens: 'Longest answer, from 1 to 16384.',
        debug: 'true shows the messages and settings that were sent, in prompt_debug of a whole answer.',
      },
      templates: templates.map((template) => ({ id: templateId(template), description: template.description, parameters: template.parameters })),
      example: { body: GENERATE_EXAMPLE, curl: `curl -s ${url} -H 'Content-Type: application/json' -d '${JSON.stringify(GENERATE_EXAMPLE)}'` },
    },
  };
}
