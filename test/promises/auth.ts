import { ADMIN } from '../harness.ts';
import type { Slice } from './ask.ts';

const OF_THE_RIGHT_FORM = `rt-sluice-${'A'.repeat(43)}`;
const wrong = { ...ADMIN, password: 'wrong' };
const change = (current_password: string) => ({ current_password, new_password: 'winter kettle orbit lamp' });

export const auth: Slice = {
  suited: {
    'POST /auth/login': { json: ADMIN },
    'POST /auth/refresh': { json: { refresh_token: OF_THE_RIGHT_FORM } },
    'POST /auth/logout': { as: 'leaver' },
    'POST /auth/password': { as: 'changer' },
  },
  cases: [
    { route: 'POST /auth/login', gives: '200 application/json', body: new URLSearchParams(ADMIN) },
    { route: 'POST /auth/login', gives: '401 UNAUTHORIZED', json: wrong },
    { route: 'POST /auth/login', gives: '429 RATE_LIMIT_EXCEEDED', json: wrong, times: 6 },
    {
      route: 'POST /auth/refresh',
      gives: '200 application/json',
      given: { route: 'POST /auth/login', json: ADMIN },
      using: ({ refresh_token }) => ({ json: { refresh_token } }),
    },
    { route: 'POST /auth/password', gives: '429 RATE_LIMIT_EXCEEDED', as: 'viewer', json: change('wrong'), times: 6 },
    { route: 'POST /auth/password', gives: '204', as: 'changer', json: { current_password: ADMIN.password, new_password: 'first of two changes' } },
    { route: 'POST /auth/password', gives: '409 CONFLICT', as: 'changer', json: change('first of two changes'), atOnce: 4 },
  ],
};
