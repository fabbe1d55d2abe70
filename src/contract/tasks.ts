import { z } from 'zod';
import { META } from './generation.ts';
import { text } from './text.ts';

/** The ready tasks: a body in, an answer and what it cost out. */

/** As long as a body may be. */
const material = (what: string) => text(10_485_760).describe(what);
const words = (max: number, what: string) => text(max).optional().describe(what);

export const SUMMARY_STYLES = ['paragraph', 'bullets', 'headline'] as const;
export const SENTIMENTS = ['positive', 'negative', 'neutral', 'mixed'] as const;

export const SummarizeBody = z
  .strictObject({
    text: material('What to summarise. Longer than the model can read at once, it is summarised in parts.'),
    max_words: z.int().min(1).max(10_000).optional().describe('Longest summary; 200 words where unsaid.'),
    style: z.enum(SUMMARY_STYLES).optional().describe('`paragraph` where unsaid.'),
    language: words(100, 'Language of the summary; the one of the text where unsaid.'),
  })
  .meta({ id: 'SummarizeRequest' });
export type SummarizeBody = z.output<typeof SummarizeBody>;
export const SummarizeReply = z.strictObject({ summary: z.string(), ...META }).meta({ id: 'SummarizeReply' });

export const TranslateBody = z
  .strictObject({
    text: material('What to translate. Longer than the model can write at once, it is translated in parts.'),
    target_language: text(100).describe('Name or code: `German`, `de`, `pt-BR`.'),
    source_language: words(100, 'Found out where unsaid.'),
    formality: words(100, 'Such as `formal` or `informal`; as in the text where unsaid.'),
  })
  .meta({ id: 'TranslateRequest' });
export type TranslateBody = z.output<typeof TranslateBody>;
export const TranslateReply = z
  .strictObject({ translation: z.string(), source_language: z.string().describe('As given, or as found out.'), ...META })
  .meta({ id: 'TranslateReply' });

export const AnalyzeBody = z.strictObject({ text: material('What to judge.') }).meta({ id: 'AnalyzeRequest' });
export type AnalyzeBody = z.output<typeof AnalyzeBody>;

export const AnalyzeReply = z
  .strictObject({
    sentiment: z.enum(SENTIMENTS),
    score: z.number().min(-1).max(1).describe('-1 wholly negative, 1 wholly positive.'),
    confidence: z.number().min(0).max(1),
    emotions: z.array(z.string()),
    explanation: z.string(),
    ...META,
  })
  .meta({ id: 'AnalyzeReply' });

const stopText = z.string().min(1, 'must not be empty').max(256, 'must have at most 256 characters');

export const CompleteBody = z
  .strictObject({
    text: material('What to go on from.'),
    max_tokens: z.int().min(1).max(16_384).optional(),
    temperature: z.number().min(0).max(2).optional(),
    stop: z
      .union([stopText, z.array(stopText).min(1, 'must have at least one text').max(4, 'must have at most 4 texts')])
      .optional()
      .describe('One text or up to four; the completion ends before the first that comes.'),
  })
  .meta({ id: 'CompleteRequest' });
export type CompleteBody = z.output<typeof CompleteBody>;
export const CompleteReply = z.strictObject({ completion: z.string(), ...META }).meta({ id: 'CompleteReply' });

export const IntroBody = z
  .strictObject({
    script: material('The script of the video, or what it is about.'),
    tone: words(200, 'Such as `funny` or `calm`; fitting the script where unsaid.'),
    audience: words(200, 'Who watches; taken from the script where unsaid.'),
    max_seconds: z.int().min(1).max(600).optional().describe('Longest time to speak it; 20 seconds where unsaid.'),
    count: z.int().min(1).max(5).optional().describe('How many to choose from; 1 where unsaid.'),
  })
  .meta({ id: 'IntroRequest' });
export type IntroBody = z.output<typeof IntroBody>;
export const IntroReply = z
  .strictObject({ intro: z.string().describe('The first of `intros`.'), intros: z.array(z.string()).min(1).max(5), ...META })
  .meta({ id: 'IntroReply' });
