import type { Slice } from './ask.ts';

/** A new one for each case, since some of them end it. */
const user = { route: 'POST /api/v1/users' } as const;
const project = { route: 'POST /api/v1/projects' } as const;
const named = (username: string) => ({ ...user, json: { username, role: 'member' } });
const using = ({ id }: Readonly<Record<string, unknown>>) => ({ path: { id: String(id) } });
/** The only administrator. */
const oneself = { route: 'GET /auth/me' } as const;
const demoted = ({ id }: Readonly<Record<string, unknown>>) => ({ ...using({ id }), json: { role: 'member' } });
const confirmed = ({ id }: Readonly<Record<string, unknown>>) => ({ ...using({ id }), query: `?confirm=${String(id)}` });

export const people: Slice = {
  suited: {},
  cases: [
    { route: 'POST /api/v1/users', gives: '201 application/json', json: { username: 'made', role: 'viewer' } },
    { route: 'POST /api/v1/users', gives: '409 CONFLICT', json: { username: 'Admin', role: 'viewer' } },
    { route: 'GET /api/v1/users/{id}', gives: '200 application/json', given: named('shown'), using },
    { route: 'PATCH /api/v1/users/{id}', gives: '200 application/json', given: named('changed'), using },
    { route: 'PATCH /api/v1/users/{id}', gives: '422 MISSING_REQUIRED_FIELD', json: { budget: { usd: 1 } } },
    { route: 'PATCH /api/v1/users/{id}', gives: '409 CONFLICT', given: oneself, using: demoted },
    { route: 'DELETE /api/v1/users/{id}', gives: '204', given: named('gone'), using },
    { route: 'DELETE /api/v1/users/{id}', gives: '409 CONFLICT', given: oneself, using },
    { route: 'PATCH /api/v1/projects/{id}', gives: '422 MISSING_REQUIRED_FIELD', json: { budget: { usd: 1 } } },
    { route: 'DELETE /api/v1/projects/{id}', gives: '204', given: project, using: confirmed },
    { route: 'DELETE /api/v1/projects/{id}', gives: '409 CONFLICT', path: { id: 'default' }, query: '?confirm=default' },
  ],
};
