import type { Route } from './route.ts';

export type Match<Entry> = { readonly entry: Entry; readonly params: Record<string, string> };
export type Router<Entry> = {
  readonly find: (method: string, path: string) => Match<Entry> | { readonly allow: readonly string[] } | null;
};

const NO_PARAMS: Record<string, string> = {};

/** Paths without parameters, which are nearly all calls, cost one look-up; the others are tried by their shape. */
export function createRouter<Entry extends { readonly route: Route }>(entries: readonly Entry[]): Router<Entry> {
  const fixed = new Map<string, Map<string, Entry>>();
  const shaped: { readonly shape: RegExp; readonly names: readonly string[]; readonly methods: Map<string, Entry>; readonly path: string }[] = [];

  for (const entry of entries) {
    const { route } = entry;
    for (const path of route.alias === undefined ? [route.path] : [route.path, route.alias]) {
      const methods = methodsAt({ ...route, path });
      if (methods.has(route.method)) throw new Error(`${route.method} ${path} is declared twice`);
      methods.set(route.method, entry);
    }
  }

  function methodsAt({ path, isOpenEnded }: Pick<Route, 'path' | 'isOpenEnded'>): Map<string, Entry> {
    if (!path.includes('{')) {
      const methods = fixed.get(path) ?? new Map<string, Entry>();
      fixed.set(path, methods);
      return methods;
    }
    const known = shaped.find((one) => one.path === path);
    if (known) return known.methods;
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '');
    const shape = path
      .replaceAll('.', '\\.')
      .replace(/\{\w+\}$/, isOpenEnded ? '(.+)' : '([^/]+)')
      .replaceAll(/\{\w+\}/g, '([^/]+)');
    const methods = new Map<string, Entry>();
    shaped.push({ shape: new RegExp(`^${shape}$`), names, methods, path });
    return methods;
  }

  function methodsOf(path: string): { methods: Map<string, Entry>; params: Record<string, string> } | null {
    const exact = fixed.get(path);
    if (exact) return { methods: exact, params: NO_PARAMS };
    for (const { shape, names, methods } of shaped) {
      const found = shape.exec(path);
      const params = found && decodeParams(names, found);
      if (params) return { methods, params };
    }
    return null;
  }

  return {
    find(method, path) {
      const at = methodsOf(path);
      if (!at) return null;
      const entry = at.methods.get(method) ?? (method === 'HEAD' ? at.methods.get('GET') : undefined);
      if (entry) return { entry, params: at.params };
      const allow = [...at.methods.keys()];
      return { allow: at.methods.has('GET') ? [...allow, 'HEAD', 'OPTIONS'] : [...allow, 'OPTIONS'] };
    },
  };
}

function decodeParams(names: readonly string[], found: RegExpExecArray): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    try {
      params[name] = decodeURIComponent(found[index + 1] ?? '');
    } catch {
      return null;
    }
  }
  return params;
}
