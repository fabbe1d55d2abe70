import type { App } from '../../app.ts';
import { invalidValue } from '../../contract/errors.ts';
import type { TemplateListQuery } from '../../contract/templates.ts';
import { BUILT_IN } from '../../core/builtin-templates.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { type FoundTemplate, templateReply } from './find.ts';
import { listVersions, type ListPlace } from './store.ts';

const LIMIT = 20;

/** A project's own, newest first, then the built-in ones, which never move. */
export async function listTemplates(app: App, exchange: Exchange<undefined, TemplateListQuery, undefined>): Promise<Reply> {
  const { limit = LIMIT, cursor, name } = exchange.query;
  const { projectId } = exchange.principal;
  const place = cursor === undefined ? { builtInFrom: 0, fromStart: true } : readCursor(cursor);
  const own: FoundTemplate[] = [];
  if (place.after !== undefined || place.fromStart) {
    const versions = await app.inProject(projectId, (db) => listVersions(db, projectId, { limit: limit + 1, after: place.after, name }));
    own.push(...versions.map((version) => ({ template: version.template, own: version })));
  }
  const builtIn = BUILT_IN.slice(place.builtInFrom).filter((template) => name === undefined || template.name === name);
  const all = [...own, ...builtIn.map((template): FoundTemplate => ({ template, own: null }))];
  const page = all.slice(0, limit);
  const last = page.at(-1);
  const hasMore = all.length > limit;
  return { json: { data: page.map(templateReply), has_more: hasMore, next_cursor: hasMore && last ? cursorAfter(last) : null } };
}

type Place = { readonly after?: ListPlace; readonly builtInFrom: number; readonly fromStart?: boolean };

// Everything in it is safe in an address: a moment, a version and a name, or a place among the built-in ones.
const CURSOR = /^(\d{1,15})\.(\d{1,9})\.([a-z][a-z0-9_-]{0,63})$|^b\.(\d{1,3})$/;

function readCursor(cursor: string): Place {
  const [whole, createdAtMs, version, name, index] = CURSOR.exec(cursor) ?? [];
  if (whole === undefined) throw invalidValue('cursor', 'must be the next_cursor of the page before');
  if (index !== undefined) return { builtInFrom: Number(index) };
  return { after: { createdAt: new Date(Number(createdAtMs)), version: Number(version), name: name ?? '' }, builtInFrom: 0 };
}

function cursorAfter({ template, own }: FoundTemplate): string {
  if (own !== null) return `${own.createdAt.getTime()}.${template.version}.${template.name}`;
  return `b.${BUILT_IN.indexOf(template) + 1}`;
}
