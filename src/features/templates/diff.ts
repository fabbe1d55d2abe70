import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { DiffQuery, DiffReply, TemplateParams } from '../../contract/templates.ts';
import { type Template, templateId } from '../../core/template.ts';
import { diffTexts, diffValues } from '../../core/text-diff.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findEarlier, findTemplate } from './find.ts';

export async function diffTemplates(app: App, exchange: Exchange<TemplateParams, DiffQuery, undefined>): Promise<Reply> {
  const { projectId } = exchange.principal;
  const { template } = await findTemplate(app, projectId, exchange.params.id);
  const { against } = exchange.query;
  const other = against === undefined ? await findEarlier(app, projectId, template) : await findTemplate(app, projectId, against, 'against');
  if (other === null) {
    throw new AppError('INVALID_VALUE', {
      field: 'against',
      message: `against must name a template to compare with: there is no version before ${templateId(template)}`,
    });
  }
  return { json: compare(other.template, template) };
}

function compare(from: Template, to: Template): DiffReply {
  const messages = Array.from({ length: Math.max(from.messages.length, to.messages.length) }, (_, index) =>
    compareMessages(from.messages[index], to.messages[index], index),
  );
  const settings = (['description', 'model', 'temperature', 'top_p', 'max_tokens'] as const).flatMap((field) => diffValues(from[field], to[field], field));
  const schemas = [...diffValues(from.parameters, to.parameters, 'parameters'), ...diffValues(from.output, to.output, 'output')];
  const identical = settings.length === 0 && schemas.length === 0 && messages.every(({ change }) => change === 'same');
  return { from: templateId(from), to: templateId(to), identical, messages, settings: [...settings], schemas: [...schemas] };
}

type Message = Template['messages'][number];

function compareMessages(from: Message | undefined, to: Message | undefined, index: number): DiffReply['messages'][number] {
  const roles = { role_from: from?.role ?? null, role_to: to?.role ?? null };
  const pieces = diffTexts(from?.content ?? '', to?.content ?? '');
  return { index, change: changeOf(from, to), ...roles, pieces };
}

function changeOf(from: Message | undefined, to: Message | undefined): DiffReply['messages'][number]['change'] {
  if (from === undefined) return 'added';
  if (to === undefined) return 'removed';
  return from.role === to.role && from.content === to.content ? 'same' : 'changed';
}
