import { z } from 'zod';
import { parseEvents, type ServerEvent } from '../harness.ts';

export type Schema = { readonly [keyword: string]: unknown };
export type Check = (schema: Schema, type: string, text: string) => readonly string[];
type Problems = (schema: Schema, value: unknown) => readonly string[];

export function branches(schema: Schema): readonly Schema[] {
  return (schema['anyOf'] as readonly Schema[] | undefined) ?? [schema];
}

/** Says where a text differs from its schema. */
export function schemaChecker(schemas: object): Check {
  const made = new Map<Schema, z.ZodType>();
  const local = (schema: unknown): Schema => JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')) as Schema;
  const problems: Problems = (schema, value) => {
    const checker = made.get(schema) ?? z.fromJSONSchema({ ...local(schema), $defs: local(schemas) } as Parameters<typeof z.fromJSONSchema>[0]);
    made.set(schema, checker);
    return checker.safeParse(value).error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? [];
  };
  return (schema, type, text) => {
    if (type === 'application/json') return problems(schema, JSON.parse(text));
    if (type === 'text/event-stream' && schema['type'] !== 'string') return parseEvents(text).flatMap((event) => eventProblems(schema, event, problems));
    return problems(schema, text);
  };
}

type EventSchema = { readonly properties: { readonly event: { readonly const?: string }; readonly data: { readonly contentSchema?: Schema } } };

function eventProblems(schema: Schema, event: ServerEvent, problems: Problems): readonly string[] {
  // One without a name is every event.
  const own = branches(schema).find((branch) => ((branch as EventSchema).properties.event.const ?? event.event) === event.event);
  if (!own) return [`there is no event ${event.event}`];
  const { contentSchema } = (own as EventSchema).properties.data;
  return [...problems(own, event), ...(contentSchema ? problems(contentSchema, JSON.parse(event.data)) : [])];
}
