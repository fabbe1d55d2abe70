import type { Rule } from '../fake-upstream/rule.ts';

/** What a provider may do to us, and what comes of it where there is a fallback: the fallback's answer, an answer that is cut with an error, or an error. */
export type Trouble = { readonly rule: Rule; readonly whole: 'b' | 'error'; readonly stream: 'b' | 'cut' | 'error' };
const pieces = ['one ', 'two ', 'three'];
export const TROUBLES: Readonly<Record<string, Trouble>> = {
  'refuses the connection': { rule: { cut: 'before-head' }, whole: 'b', stream: 'b' },
  'says 503': { rule: { status: 503 }, whole: 'b', stream: 'b' },
  'says 429': { rule: { status: 429 }, whole: 'b', stream: 'b' },
  'says 401': { rule: { status: 401 }, whole: 'b', stream: 'b' },
  'says nothing': { rule: { stall: true }, whole: 'b', stream: 'b' },
  'says its head and no more': { rule: { stall: 'after-head' }, whole: 'b', stream: 'b' },
  'breaks off in its head': { rule: { cut: 'mid-head' }, whole: 'b', stream: 'b' },
  'breaks off after its head': { rule: { cut: 'after-head' }, whole: 'b', stream: 'b' },
  'says a page': { rule: { garble: { kind: 'html' } }, whole: 'b', stream: 'b' },
  'garbles its first event': { rule: { chunks: pieces, garble: { kind: 'bad-json', at: 0 } }, whole: 'b', stream: 'b' },
  'begins with an error': { rule: { chunks: pieces, garble: { kind: 'error-object', at: 0 } }, whole: 'b', stream: 'b' },
  // Of a whole answer nothing was said yet to the caller.
  'breaks off after a piece': { rule: { chunks: pieces, cutAfter: 1 }, whole: 'b', stream: 'cut' },
  'stops in good order after a piece': { rule: { chunks: pieces, cutAfter: 1, cutHow: 'clean' }, whole: 'b', stream: 'cut' },
  'says nothing more after a piece': { rule: { chunks: pieces, stallAfter: 1 }, whole: 'b', stream: 'cut' },
  'garbles an event after a piece': { rule: { chunks: pieces, garble: { kind: 'bad-json', at: 1 } }, whole: 'b', stream: 'cut' },
  'errs after a piece': { rule: { chunks: pieces, garble: { kind: 'error-object', at: 1 } }, whole: 'b', stream: 'cut' },
  'refuses the request': { rule: { status: 400 }, whole: 'error', stream: 'error' },
};
