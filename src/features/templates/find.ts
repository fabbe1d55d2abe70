import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { TemplateReply } from '../../contract/templates.ts';
import { BUILT_IN_IDS, builtIn } from '../../core/builtin-templates.ts';
import { parseTemplateId, placeholders, type Template, templateId } from '../../core/template.ts';
import { findNewest, findVersion, listNewestIds, type OwnTemplate } from './store.ts';

/** A template as a project sees it: its own, or one that came with the service. */
export type FoundTemplate = { readonly template: Template; readonly own: OwnTemplate | null };
type Needs = Pick<App, 'inProject'>;

const LISTED_MAX = 200;

/** By id, or the newest by name; throws TEMPLATE_NOT_FOUND, which names what there is. `field` is where the id stood. */
export async function findTemplate(app: Needs, projectId: string, id: string, field?: string): Promise<FoundTemplate> {
  const found = await lookUp(app, projectId, id);
  if (found !== null) return found;
  throw new AppError('TEMPLATE_NOT_FOUND', {
    message: `There is no template ${JSON.stringify(id.slice(0, 128))}`,
    ...(field === undefined ? {} : { field }),
    details: { available: await listTemplateIds(app, projectId) },
  });
}

async function lookUp(app: Needs, projectId: string, id: string): Promise<FoundTemplate | null> {
  const wanted = parseTemplateId(id);
  if (wanted === null) return null;
  const template = builtIn(wanted.name);
  // The version of a built-in template belongs to it in every project, so there is nothing to ask the database.
  if (template && wanted.version === template.version) return { template, own: null };
  const { name, version } = wanted;
  const own = await app.inProject(projectId, (db) => (version === null ? findNewest(db, projectId, name) : findVersion(db, projectId, name, version)));
  if (own !== null) return { template: own.template, own };
  return template && wanted.version === null ? { template, own: null } : null;
}

/** The version before, of those that there are. */
export async function findEarlier(app: Needs, projectId: string, template: Template): Promise<FoundTemplate | null> {
  const own = await app.inProject(projectId, (db) => findNewest(db, projectId, template.name, template.version));
  if (own !== null) return { template: own.template, own };
  const first = builtIn(template.name);
  return first && first.version < template.version ? { template: first, own: null } : null;
}

/** The ids that a project can use: its own, newest first, then the built-in ones. */
export async function listTemplateIds(app: Needs, projectId: string): Promise<string[]> {
  const own = await app.inProject(projectId, (db) => listNewestIds(db, projectId, LISTED_MAX));
  return [...own.map(templateId), ...BUILT_IN_IDS];
}

export function templateReply({ template, own }: FoundTemplate): TemplateReply {
  const { name, version, description, messages, parameters } = template;
  return {
    id: templateId(template),
    name,
    version,
    description,
    messages: [...messages],
    parameters,
    model: template.model ?? null,
    temperature: template.temperature ?? null,
    top_p: template.top_p ?? null,
    max_tokens: template.max_tokens ?? null,
    output: template.output ?? null,
    placeholders: placeholders(messages),
    built_in: own === null,
    created_at: own?.createdAt.toISOString() ?? null,
    created_by: own?.createdBy ?? null,
  };
}
