import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { BUILT_IN_IDS, builtIn } from '../../core/builtin-templates.ts';
import { parseTemplateId, type Template } from '../../core/template.ts';
import { type Db, findOwnTemplate } from './store.ts';

type Place = { readonly projectId: string; readonly id: string };

/** The template that the requests of a job are filled into; throws where the project has none of this id. */
export async function templateOf(db: Db, { projectId, id }: Place): Promise<Template> {
  const wanted = parseTemplateId(id);
  const known = wanted && builtIn(wanted.name);
  if (wanted && known?.version === wanted.version) return known;
  const template = (wanted && (await findOwnTemplate(db, projectId, wanted))) ?? (wanted?.version === null ? known : undefined);
  if (template) return template;
  throw new AppError('TEMPLATE_NOT_FOUND', {
    message: `There is no template ${JSON.stringify(id.slice(0, 128))}`,
    field: 'template_id',
    details: { built_in: BUILT_IN_IDS },
  });
}

type Asking = Pick<App, 'gateway'>;

/** Throws where there is no such model, or the caller may not use it: better now than in each of the requests. */
export function assertModel({ gateway }: Asking, principal: Parameters<App['gateway']['explain']>[0]['principal'], model: string): void {
  gateway.explain({ principal, model, session: undefined, asked: { inputTokens: 0, maxTokens: undefined, capabilities: [] } });
}
