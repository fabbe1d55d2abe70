/** What a test scripts: for which calls, and what goes differently with them. The first rule that matches a call is the one that counts. */
export type Rule = {
  readonly match?: {
    /** The whole path, or its beginning when it ends in `*`. */
    readonly path?: string;
    readonly method?: string;
    readonly model?: string;
    /** Anywhere in the body. */
    readonly prompt?: string;
    readonly stream?: boolean;
    /** The key that the call came by. */
    readonly key?: string;
    /** Which of the calls that match all the rest, counted from 1. */
    readonly nth?: number | readonly number[];
  };
  /** After so many uses the rule is spent. */
  readonly times?: number;

  /** Silence before the head of the answer. */
  readonly delayMs?: number;
  /** Silence between the pieces of a stream. */
  readonly chunkDelayMs?: number;
  /** At most so many bytes at a time onto the wire. */
  readonly writeBytes?: number;

  readonly text?: string;
  /** The text is the last prompt. */
  readonly echo?: boolean;
  /** How many pieces the text has, or the pieces themselves. */
  readonly chunks?: number | readonly string[];
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly refusal?: string;
  readonly reasoning?: string;
  readonly finish?: Finish;
  readonly usage?: { readonly input: number; readonly output: number; readonly cached?: number; readonly reasoning?: number };
  readonly ignoreMaxTokens?: boolean;

  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the body that the vendor would send; an object is sent as JSON. */
  readonly body?: unknown;

  /** Never answers; `after-head` sends the head first. */
  readonly stall?: true | 'after-head';
  /** Never goes on after so many pieces (of a whole answer: after half of its bytes). */
  readonly stallAfter?: number;
  /** Breaks the connection. */
  readonly cut?: 'before-head' | 'mid-head' | 'after-head';
  /** Breaks it after so many pieces (of a whole answer: after half of its bytes). */
  readonly cutAfter?: number;
  /** `close` and `reset` break the transfer; `clean` ends it in good order, as if nothing more were to come. */
  readonly cutHow?: 'close' | 'reset' | 'clean';
  /** The event with the finish reason still comes, but nothing after it. */
  readonly cutWithFinish?: boolean;
  readonly garble?: Garble;
  /** Closes the connection after the answer without having said so. */
  readonly closeAfterAnswer?: boolean;
};

export type Finish = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export type Garble =
  /** The event after so many pieces (or the whole body) is no JSON. */
  | { readonly kind: 'bad-json'; readonly at?: number }
  /** The event after so many pieces is an error in the vendor's form, under status 200; of a whole answer, the body. */
  | { readonly kind: 'error-object'; readonly at?: number }
  | { readonly kind: 'html' }
  | { readonly kind: 'gzip-cut' }
  /** More bytes announced than sent, and then the connection is closed. */
  | { readonly kind: 'content-length' }
  | { readonly kind: 'bad-chunk-size'; readonly at?: number }
  | { readonly kind: 'no-done' }
  | { readonly kind: 'no-usage' }
  | { readonly kind: 'extra-fields' };

export type Matched = { readonly rule: Rule; readonly index: number };
export type Subject = {
  readonly method: string;
  readonly path: string;
  readonly bodyText: string;
  readonly model: string | null;
  readonly stream: boolean;
  readonly key: string | null;
};

export type RuleBook = {
  readonly match: (subject: Subject) => Matched | null;
  readonly set: (rules: readonly Rule[]) => void;
  readonly isEmpty: () => boolean;
};

export function ruleBook(): RuleBook {
  let entries: { rule: Rule; seen: number; used: number }[] = [];
  return {
    match(subject) {
      let found: Matched | null = null;
      for (const [index, entry] of entries.entries()) {
        if (!matches(entry.rule, subject)) continue;
        entry.seen += 1;
        if (found !== null || entry.used >= (entry.rule.times ?? Infinity) || !isItsTurn(entry.rule, entry.seen)) continue;
        entry.used += 1;
        found = { rule: entry.rule, index };
      }
      return found;
    },
    set(rules) {
      entries = rules.map((rule) => ({ rule, seen: 0, used: 0 }));
    },
    isEmpty: () => entries.length === 0,
  };
}

function isItsTurn(rule: Rule, seen: number): boolean {
  const nth = rule.match?.nth;
  if (nth === undefined) return true;
  return typeof nth === 'number' ? nth === seen : nth.includes(seen);
}

function matches({ match }: Rule, subject: Subject): boolean {
  if (match === undefined) return true;
  if (match.path !== undefined && !(match.path.endsWith('*') ? subject.path.startsWith(match.path.slice(0, -1)) : subject.path === match.path)) return false;
  if (match.method !== undefined && match.method !== subject.method) return false;
  if (match.model !== undefined && match.model !== subject.model) return false;
  if (match.stream !== undefined && match.stream !== subject.stream) return false;
  if (match.key !== undefined && match.key !== subject.key) return false;
  return match.prompt === undefined || subject.bodyText.includes(JSON.stringify(match.prompt).slice(1, -1));
}
