import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { StreamQuery } from '../../contract/generation.ts';
import {
  DiffQuery,
  DiffReply,
  GenerateGuide,
  NewTemplate,
  RenderBody,
  RenderReply,
  StatusReply,
  TemplateCreated,
  TemplateGenerateBody,
  TemplateGenerateReply,
  TemplateList,
  TemplateListQuery,
  TemplateParams,
  TemplateReply,
} from '../../contract/templates.ts';
import { parseTemplateId, templateId } from '../../core/template.ts';
import { estimateInputTokens } from '../../core/tokens.ts';
import { CHOSEN_MODEL_ERRORS, STREAM_REPLIES } from '../../http/answer.ts';
import { DATABASE_ERRORS, type Exchange, type Reply, type Route, route } from '../../http/route.ts';
import { createTemplate } from './create.ts';
import { diffTemplates } from './diff.ts';
import { findTemplate, listTemplateIds, templateReply } from './find.ts';
import { GENERATE_EXAMPLE, generateFromTemplate, generateGuide } from './generate.ts';
import { listTemplates } from './list.ts';
import { prepare } from './prepare.ts';
import { status } from './status.ts';
import { hideVersion } from './store.ts';

type OfOne<Body = undefined> = Exchange<TemplateParams, undefined, Body>;

async function showTemplate(app: App, exchange: OfOne): Promise<Reply> {
  return { json: templateReply(await findTemplate(app, exchange.principal.projectId, exchange.params.id)) };
}

async function deleteTemplate(app: App, exchange: OfOne): Promise<Reply> {
  const { projectId } = exchange.principal;
  const { template, own } = await findTemplate(app, projectId, exchange.params.id);
  const id = templateId(template);
  if (own === null)
    throw new AppError('CONFLICT', {
      message: `${id} came with the service and cannot be deleted; a newer version of your own takes its place as ${template.name}`,
      details: { id },
    });
  // A bare name means the newest, which may be another one than the caller has just looked at.
  if (parseTemplateId(exchange.params.id)?.version === null) {
    throw new AppError('INVALID_VALUE', { field: 'id', message: `id must name the version to delete, such as ${id}`, details: { newest: id } });
  }
  const hidden = await app.inProject(projectId, async (db) => {
    if (!(await hideVersion(db, { projectId, name: template.name, version: template.version, deletedAt: new Date(app.clock.now()) }))) return false;
    const before = { description: template.description, model: template.model ?? null };
    await app.audit(db, exchange, { action: 'template.delete', projectId, targetId: id, before });
    return true;
  });
  if (!hidden)
    throw new AppError('TEMPLATE_NOT_FOUND', {
      message: `There is no template ${JSON.stringify(id)}`,
      details: { available: await listTemplateIds(app, projectId) },
    });
  return { status: 204 };
}

async function render(app: App, exchange: OfOne<RenderBody>): Promise<Reply> {
  const { template } = await findTemplate(app, exchange.principal.projectId, exchange.params.id);
  const { messages, parameters } = prepare(template, exchange.body.input, exchange.body.parameters ?? {});
  const tokens = estimateInputTokens({ messages, ...(template.output ? { output: { name: template.name, schema: template.output } } : {}) });
  return { json: { template_id: templateId(template), messages, parameters, tokens, tokens_estimated: true } };
}

const ID =
  'An id has its version, such as `summarize_v1`; without it, the newest is meant. A project may add versions to the name of a built-in template, which the ready tasks do not follow.';

export const templateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/templates',
    summary: 'List the templates',
    description: 'Your own, newest first, then the built-in ones.',
    tag: 'Templates',
    scope: 'templates:read',
    query: TemplateListQuery,
    replies: [{ status: 200, description: 'One page of them.', type: 'application/json', schema: TemplateList }],
    errors: DATABASE_ERRORS,
    handle: listTemplates,
  }),
  route({
    method: 'POST',
    path: '/api/v1/templates',
    summary: 'Create a template, or the next version of one',
    description:
      'Posting a name that there is makes its next version. A version never changes. Every placeholder is a parameter, or `input`; rendering is one pass without logic, and what a caller puts into a parameter stays text.',
    tag: 'Templates',
    scope: 'templates:write',
    body: NewTemplate,
    example: {
      name: 'product_text',
      description: 'A text for the shop.',
      messages: [
        { role: 'system', content: 'You write product texts, {{ tone }}, of at most {{ max_words }} words.' },
        { role: 'user', content: '{{ input }}' },
      ],
      parameters: {
        type: 'object',
        properties: { tone: { type: 'string', default: 'friendly' }, max_words: { type: 'integer', minimum: 10, maximum: 500, default: 80 } },
      },
      temperature: 0.8,
    },
    replies: [{ status: 201, description: 'The new version.', type: 'application/json', schema: TemplateCreated }],
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: createTemplate,
  }),
  route({
    method: 'GET',
    path: '/api/v1/templates/{id}',
    summary: 'Show a template',
    description: ID,
    tag: 'Templates',
    scope: 'templates:read',
    params: TemplateParams,
    replies: [{ status: 200, description: 'The template.', type: 'application/json', schema: TemplateReply }],
    errors: ['TEMPLATE_NOT_FOUND', ...DATABASE_ERRORS],
    handle: showTemplate,
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/templates/{id}',
    summary: 'Delete a version',
    description: 'Its number is never given again. The built-in ones stay.',
    tag: 'Templates',
    scope: 'templates:write',
    params: TemplateParams,
    replies: [{ status: 204, description: 'Deleted.', type: 'application/json' }],
    errors: ['TEMPLATE_NOT_FOUND', 'CONFLICT', ...DATABASE_ERRORS],
    handle: deleteTemplate,
  }),
  route({
    method: 'POST',
    path: '/api/v1/templates/{id}/render',
    summary: 'Fill in a template without asking a model',
    tag: 'Templates',
    scope: 'templates:read',
    params: TemplateParams,
    body: RenderBody,
    example: { input: 'What is a sluice?' },
    replies: [{ status: 200, description: 'The messages, and how many tokens they are.', type: 'application/json', schema: RenderReply }],
    errors: ['TEMPLATE_NOT_FOUND', ...DATABASE_ERRORS],
    handle: render,
  }),
  route({
    method: 'GET',
    path: '/api/v1/templates/{id}/diff',
    summary: 'Compare two templates',
    description: 'What changed from `against` to this one.',
    tag: 'Templates',
    scope: 'templates:read',
    params: TemplateParams,
    query: DiffQuery,
    replies: [{ status: 200, description: 'Texts word by word, settings and schemas value by value.', type: 'application/json', schema: DiffReply }],
    errors: ['TEMPLATE_NOT_FOUND', ...DATABASE_ERRORS],
    handle: diffTemplates,
  }),
  route({
    method: 'GET',
    path: '/api/v1/generate',
    summary: 'How to generate from a template',
    tag: 'Templates',
    scope: 'templates:read',
    replies: [{ status: 200, description: 'The templates, their parameters and an example.', type: 'application/json', schema: GenerateGuide }],
    errors: DATABASE_ERRORS,
    handle: generateGuide,
  }),
  route({
    method: 'POST',
    path: '/api/v1/generate',
    summary: 'Generate from a template',
    tag: 'Templates',
    scope: 'generate',
    limit: 'rateLimitAnonymous',
    query: StreamQuery,
    body: TemplateGenerateBody,
    example: GENERATE_EXAMPLE,
    replies: [{ status: 200, description: 'What the model said.', type: 'application/json', schema: TemplateGenerateReply }, ...STREAM_REPLIES],
    errors: ['TEMPLATE_NOT_FOUND', ...CHOSEN_MODEL_ERRORS],
    handle: generateFromTemplate,
  }),
  route({
    method: 'GET',
    path: '/api/v1/status',
    summary: 'What runs here',
    tag: 'Health',
    scope: 'public',
    replies: [{ status: 200, description: 'Version, models, templates, cache.', type: 'application/json', schema: StatusReply }],
    errors: DATABASE_ERRORS,
    handle: status,
  }),
];
