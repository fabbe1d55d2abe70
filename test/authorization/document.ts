/** What /openapi.json says of who may call what. */
export type Operation = {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With parameters in braces. */
  readonly path: string;
  readonly scope: string;
  readonly policy: Policy;
  /** The names of the schemes that it takes; '' where none is needed. */
  readonly schemes: ReadonlySet<string>;
  /** The body that the document shows. */
  readonly example: object | undefined;
};

export type Policy = { readonly anonymous: 'always' | 'when-allowed' | 'never'; readonly roles: readonly string[]; readonly keys: boolean };

export type Document = {
  readonly 'x-scopes': Record<string, Policy>;
  readonly components: { readonly securitySchemes: Record<string, { readonly type: string; readonly name?: string; readonly in?: string }> };
  readonly paths: Record<string, Record<string, RawOperation>>;
};
type RawOperation = {
  readonly 'x-scope': string;
  readonly security: readonly Record<string, unknown>[];
  readonly requestBody?: { readonly content: Record<string, { readonly example?: object }> };
};

export function readOperations(document: Document): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]): Operation => {
      const name = `${method.toUpperCase()} ${path}`;
      const policy = document['x-scopes'][raw['x-scope']];
      if (!policy) throw new Error(`${name} has the scope ${raw['x-scope']}, which is not in the table`);
      return {
        name,
        method: method.toUpperCase() as Operation['method'],
        path,
        scope: raw['x-scope'],
        policy,
        schemes: new Set(raw.security.flatMap((each) => (Object.keys(each).length === 0 ? [''] : Object.keys(each)))),
        example: Object.values(raw.requestBody?.content ?? {})[0]?.example,
      };
    }),
  );
}
