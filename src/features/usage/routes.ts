import { SuggestionsQuery, SuggestionsReply, UsageExportQuery, UsageQuery, UsageReply } from '../../contract/usage.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { exportUsage } from './export.ts';
import { showUsage } from './show.ts';
import { showSuggestions } from './suggestions.ts';

const REACH = 'An administrator sees all projects, everybody else their own, and an API key its own calls.';

export const usageRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/usage',
    summary: 'What was used, and what it cost',
    description: `Sums of the model calls of a while, by whatever they are to be told apart by. ${REACH}`,
    tag: 'Usage',
    scope: 'usage:read',
    query: UsageQuery,
    replies: [{ status: 200, description: 'The sums of each group and of all.', type: 'application/json', schema: UsageReply }],
    errors: DATABASE_ERRORS,
    handle: showUsage,
  }),
  route({
    method: 'GET',
    path: '/api/v1/usage/export',
    summary: 'The same, or each call, as a file',
    description: `As long as it is: it is sent in pieces. Groups are in the order of time and names, calls in the order in which they began. ${REACH}`,
    tag: 'Usage',
    scope: 'usage:read',
    query: UsageExportQuery,
    replies: [
      {
        status: 200,
        description: 'A header and a line for each (RFC 4180). What a spreadsheet would run as a formula begins with an apostrophe.',
        type: 'text/csv',
      },
      { status: 200, description: 'A JSON object a line.', type: 'application/jsonl' },
    ],
    errors: DATABASE_ERRORS,
    handle: exportUsage,
  }),
  route({
    method: 'GET',
    path: '/api/v1/usage/suggestions',
    summary: 'What would have cost less',
    description: `Batches, the cache, cheaper models and prompts that a provider can cache: what each would have saved of the real traffic. ${REACH}`,
    tag: 'Usage',
    scope: 'usage:read',
    query: SuggestionsQuery,
    replies: [{ status: 200, description: 'The suggestions, with the requests behind them.', type: 'application/json', schema: SuggestionsReply }],
    errors: DATABASE_ERRORS,
    handle: showSuggestions,
  }),
];
