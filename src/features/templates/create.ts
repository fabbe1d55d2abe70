import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { type NewTemplate, TEMPLATE_NAME } from '../../contract/templates.ts';
import { builtIn } from '../../core/builtin-templates.ts';
import { checkTemplate, isStorable, STORABLE_WORDS } from '../../core/template-check.ts';
import { parseTemplateId, type Template, templateId, type TemplateRef } from '../../core/template.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { templateReply } from './find.ts';
import { mistake, mistakesError } from './mistakes.ts';
import { highestVersion, insertVersion } from './store.ts';

// Each round somebody gets the number, so that only as many posts of one name at one moment could use them up.
const ROUNDS_MAX = 100;

export async function createTemplate(app: App, exchange: Exchange<undefined, undefined, NewTemplate>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const wanted = wantedRef(body);
  const content = contentOf(body);
  const { problems, warnings } = checkTemplate(content);
  if (problems.length > 0) throw mistakesError(problems);

  const createdAt = new Date(app.clock.now());
  const createdBy = principal.kind === 'user' ? principal.username : null;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const version = await nextVersion(app, projectId, wanted);
    const template: Template = { name: wanted.name, version, ...content };
    const id = templateId(template);
    const made = await app.inProject(projectId, async (db) => {
      if (!(await insertVersion(db, { projectId, template, createdAt, createdBy }))) return false;
      const after = { description: template.description, model: template.model ?? null };
      await app.audit(db, exchange, { action: 'template.create', projectId, targetId: id, after });
      return true;
    });
    if (made) {
      return {
        status: 201,
        headers: { location: `/api/v1/templates/${id}` },
        json: { ...templateReply({ template, own: { template, createdAt, createdBy } }), warnings },
      };
    }
  }
  throw new AppError('CONFLICT', { message: `Too many versions of ${wanted.name} are being created at this moment; try again` });
}

function wantedRef({ id, name }: NewTemplate): TemplateRef {
  if (id === undefined) {
    if (name !== undefined) return { name, version: null };
    throw mistakesError([{ path: 'name', code: 'MISSING_REQUIRED_FIELD', message: 'name (or id) is required' }]);
  }
  const wanted = parseTemplateId(id);
  if (wanted === null || !TEMPLATE_NAME.test(wanted.name))
    throw mistake('id', 'must be a name of at most 64 characters and a version from 1, such as greeting_v1');
  if (name !== undefined && name !== wanted.name) throw mistake('id', `must be a version of ${name}; one of id and name is enough`);
  return wanted;
}

type Content = Omit<Template, 'name' | 'version'>;

function contentOf(body: NewTemplate): Content {
  const { description = '', messages, model, temperature, top_p, max_tokens, output } = body;
  for (const [field, text] of Object.entries({ description, model: model ?? '' })) {
    if (!isStorable(text)) throw mistake(field, STORABLE_WORDS);
  }
  return {
    description,
    messages,
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: false, ...body.parameters },
    ...(model === undefined ? {} : { model }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(output === undefined ? {} : { output }),
  };
}

/** The next number of a name; where a number is asked for, it has to be that one. */
async function nextVersion(app: Pick<App, 'inProject'>, projectId: string, wanted: TemplateRef): Promise<number> {
  const next = Math.max(await app.inProject(projectId, (db) => highestVersion(db, projectId, wanted.name)), builtIn(wanted.name)?.version ?? 0) + 1;
  if (wanted.version === null || wanted.version === next) return next;
  const nextId = templateId({ name: wanted.name, version: next });
  if (wanted.version < next) {
    throw new AppError('CONFLICT', {
      message: `This version was given already, and a version never changes; the next one is ${nextId}`,
      field: 'id',
      details: { next: nextId },
    });
  }
  throw mistake('id', `must be ${nextId}: versions follow each other`, { next: nextId });
}
