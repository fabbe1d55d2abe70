import type { Slice } from './ask.ts';

export const health: Slice = {
  suited: {},
  cases: [{ route: 'GET /', gives: '200 text/html', headers: { accept: 'text/html' } }],
};
