import type { ContentPart, Message } from '../../core/model-request.ts';

/** What the demo model understands of a request: which task it is, on which text, with which wishes. */
export type Task = 'intro' | 'sentiment' | 'translate' | 'summarize' | 'complete' | 'chat';

export type Reading = {
  readonly task: Task;
  /** The text to work on; for a chat, the question. */
  readonly material: string;
  readonly images: number;
  readonly turns: number;
  readonly language: string | null;
  readonly maxWords: number | null;
  readonly form: 'paragraph' | 'bullets' | 'headline';
  readonly tone: string | null;
  readonly audience: string | null;
  readonly maxSeconds: number | null;
  readonly count: number;
};

// An instruction is short and comes first; what follows is parameters and material, whose words say nothing about the task.
const INSTRUCTION_CHARS = 240;

const SIGNS: readonly (readonly [Task, RegExp])[] = [
  ['intro', /\bintros?\b|\bopenings? of youtube\b|\byoutube\b.{0,40}\b(introduction|opening)/i],
  ['sentiment', /\bsentiment\b|\bpositive or negative\b/i],
  ['translate', /\btranslat(e|ion|or)/i],
  ['summarize', /\bsummar(i[sz]e|y|ies|isation|ization)|\btl;?dr\b/i],
  ['complete', /\b(continue|complete|finish)s?\b.{0,40}\b(text|texts|sentence|story|poem|code|following|this)\b/i],
];

export function readRequest(messages: readonly Message[]): Reading {
  const system = messages
    .filter((message) => message.role === 'system')
    .map((message) => textOf(message.content))
    .join('\n');
  const users = messages.filter((message) => message.role === 'user');
  const last = users.at(-1);
  const said = last ? textOf(last.content) : '';
  const bySystem = taskOf(system.slice(0, INSTRUCTION_CHARS));
  const task = bySystem ?? taskOf(said.slice(0, INSTRUCTION_CHARS)) ?? 'chat';
  const wishes = bySystem === null && task !== 'chat' ? `${system}\n${instructionOf(said)}` : system;
  return {
    task,
    material: materialOf(said, bySystem === null && task !== 'chat'),
    images: last ? imagesIn(last.content) : 0,
    turns: users.length,
    language: languageIn(wishes),
    maxWords:
      numberIn(wishes, /\b(?:at most|max(?:imum)?(?: of)?|no more than|up to|in|under)\s+(\d{1,5})\s+words\b/i) ?? numberIn(wishes, /\b(\d{1,5})\s+words\b/i),
    form: formOf(wishes),
    tone: wish(wishes, /\btone:\s*([^\n]{1,80}?)\.?\s*(?:\n|$)/i),
    audience: wish(wishes, /\b(?:who watches|audience):\s*([^\n]{1,80}?)\.?\s*(?:\n|$)/i),
    maxSeconds: numberIn(wishes, /\b(\d{1,4})\s+seconds\b/i),
    count: Math.min(
      20,
      numberIn(wishes, /\b(?:different intros|how many|number of intros|count):\s*(\d{1,2})/i) ??
        numberIn(wishes, /\b(\d{1,2})\s+(?:different\s+)?(?:\w+\s+)?intros\b/i) ??
        1,
    ),
  };
}

/** The task whose sign comes first: a summary of a text about translation is a summary. */
function taskOf(instruction: string): Task | null {
  const found = SIGNS.map(([task, sign]) => ({ task, at: instruction.search(sign) })).filter(({ at }) => at !== -1);
  return found.toSorted((left, right) => left.at - right.at)[0]?.task ?? null;
}

export function textOf(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content;
  return content
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('\n')
    .trim();
}

function imagesIn(content: string | readonly ContentPart[]): number {
  return typeof content === 'string' ? 0 : content.filter((part) => part.type === 'image').length;
}

/** What stands between the marks; else, where the message itself gives the instruction, what follows that. */
function materialOf(said: string, holdsInstruction: boolean): string {
  const from = said.indexOf('<material>');
  const to = said.lastIndexOf('</material>');
  if (from !== -1 && to > from) return said.slice(from + '<material>'.length, to).replace(/^\n|\n$/g, '');
  return holdsInstruction ? said.slice(instructionOf(said).length).trim() || said : said;
}

function instructionOf(said: string): string {
  return /^[^:\n]{1,200}[:\n]/.exec(said)?.[0] ?? said;
}

function languageIn(wishes: string): string | null {
  const language = String.raw`([\p{L}][\p{L} ()-]{1,40})`;
  return (
    named(wishes, new RegExp(String.raw`\binto this language:\s*${language}`, 'iu')) ??
    named(wishes, new RegExp(String.raw`\btranslate\b[^\n]{0,60}?\b(?:in)?to\s+${language}`, 'iu'))
  );
}

function formOf(wishes: string): Reading['form'] {
  const form = /\bform:\s*(paragraph|bullets|headline)\b/i.exec(wishes)?.[1]?.toLowerCase();
  if (form === 'bullets' || form === 'headline' || form === 'paragraph') return form;
  if (/\bbullet/i.test(wishes)) return 'bullets';
  return /\bheadline\b/i.test(wishes) ? 'headline' : 'paragraph';
}

function named(text: string, pattern: RegExp): string | null {
  return pattern.exec(text)?.[1]?.trim() ?? null;
}

/** Null also where the template says that nobody wished for anything. */
function wish(text: string, pattern: RegExp): string | null {
  const found = named(text, pattern);
  return found === null || /^(whatever|the people whom)/i.test(found) ? null : found;
}

function numberIn(text: string, pattern: RegExp): number | null {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}
