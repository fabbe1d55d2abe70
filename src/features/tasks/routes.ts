import { StreamQuery } from '../../contract/generation.ts';
import {
  AnalyzeBody,
  AnalyzeReply,
  CompleteBody,
  CompleteReply,
  IntroBody,
  IntroReply,
  SummarizeBody,
  SummarizeReply,
  TranslateBody,
  TranslateReply,
} from '../../contract/tasks.ts';
import { MODEL_ERRORS, STREAM_REPLIES } from '../../http/answer.ts';
import { type Route, route } from '../../http/route.ts';
import { analyze } from './analyze.ts';
import { complete } from './complete.ts';
import { generateIntro } from './intro.ts';
import { summarize } from './summarize.ts';
import { translate } from './translate.ts';

export const taskRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/summarize',
    summary: 'Summarise a text',
    description: 'The template `summarize_v1`. A text that is longer than the model can read is summarised in parts.',
    tag: 'Tasks',
    scope: 'tasks',
    query: StreamQuery,
    body: SummarizeBody,
    example: { text: 'Sluice is one service for many models. It keeps budgets, caches answers and runs jobs.', max_words: 12, style: 'headline' },
    replies: [{ status: 200, description: 'The summary.', type: 'application/json', schema: SummarizeReply }, ...STREAM_REPLIES],
    errors: MODEL_ERRORS,
    handle: summarize,
  }),
  route({
    method: 'POST',
    path: '/translate',
    summary: 'Translate a text',
    description:
      'The template `translate_v1`. A long text is translated in parts, in order, with the white space between them kept. A stream is the translation alone; whole answers also name the source language.',
    tag: 'Tasks',
    scope: 'tasks',
    query: StreamQuery,
    body: TranslateBody,
    example: { text: 'Guten Morgen!', target_language: 'English', formality: 'informal' },
    replies: [{ status: 200, description: 'The translation.', type: 'application/json', schema: TranslateReply }, ...STREAM_REPLIES],
    errors: MODEL_ERRORS,
    handle: translate,
  }),
  route({
    method: 'POST',
    path: '/analyze',
    summary: 'Judge the sentiment of a text',
    description: 'The template `sentiment_v1`. The values are always valid: the answer is checked, and the model corrects it once. It cannot be streamed.',
    tag: 'Tasks',
    scope: 'tasks',
    body: AnalyzeBody,
    example: { text: 'The delivery was late, but the cake was wonderful.' },
    replies: [{ status: 200, description: 'The verdict.', type: 'application/json', schema: AnalyzeReply }],
    errors: MODEL_ERRORS,
    handle: analyze,
  }),
  route({
    method: 'POST',
    path: '/complete',
    summary: 'Continue a text',
    description: 'The template `complete_v1`.',
    tag: 'Tasks',
    scope: 'tasks',
    query: StreamQuery,
    body: CompleteBody,
    example: { text: 'Once upon a time', max_tokens: 60, stop: ['The end'] },
    replies: [{ status: 200, description: 'What comes next.', type: 'application/json', schema: CompleteReply }, ...STREAM_REPLIES],
    errors: MODEL_ERRORS,
    handle: complete,
  }),
  route({
    method: 'POST',
    path: '/api/generate-intro',
    summary: 'Write intros for a video',
    description: 'The template `youtube_intro_v1`. One intro can be streamed.',
    tag: 'Tasks',
    scope: 'generate',
    limit: 'rateLimitGenerate',
    query: StreamQuery,
    body: IntroBody,
    example: { script: 'Today we look at how bees find their way home.', tone: 'curious', max_seconds: 15, count: 2 },
    replies: [{ status: 200, description: 'As many intros as were asked for.', type: 'application/json', schema: IntroReply }, ...STREAM_REPLIES],
    errors: MODEL_ERRORS,
    handle: generateIntro,
  }),
];
