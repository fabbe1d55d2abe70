import { createFinder, type Pattern } from './linear-pattern.ts';
import { parsePattern } from './pattern-syntax.ts';

/** One thing that is not to be kept: a name of BUILT_IN, or a pattern of one's own. */
export type RedactionRule = BuiltInName | { readonly name: string; readonly pattern: string };
export type BuiltInName = keyof typeof BUILT_IN;
/** What a text is without the things that are not to be kept: `[email]` stands where one was. */
export type Redact = (text: string) => string;

type Written = { readonly pattern: string; readonly verify?: (text: string) => boolean };

const BUILT_IN = {
  email: [{ pattern: String.raw`\b[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b` }],
  phone: [
    { pattern: String.raw`\+(?:[ ().-]{0,2}\d){8,15}\b` },
    { pattern: String.raw`\(\d{2,4}\) ?\d{3,4}[ .-]?\d{3,4}\b` },
    { pattern: String.raw`\b\d{3}[ .-]\d{3}[ .-]\d{4}\b` },
  ],
  card: [{ pattern: String.raw`\b\d(?:[ -]?\d){12,18}\b`, verify: hasCheckDigit }],
  key: [
    { pattern: String.raw`\bsk-[\w-]{16,}` },
    { pattern: String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b` },
    { pattern: String.raw`\bgh[pousr]_[A-Za-z0-9]{20,}` },
    { pattern: String.raw`\b(?:github_pat|hf|glpat|AIza)[\w-]{20,}` },
    { pattern: String.raw`\bxox[abeprs]-[\w-]{10,}` },
    // A JSON Web Token; its first part is enough to know it.
    { pattern: String.raw`\beyJ[\w-]{10,}(?:\.[\w-]+){0,2}` },
    { pattern: String.raw`(?i)\bbearer [\w.~+/=-]{16,}` },
  ],
} as const satisfies Record<string, readonly Written[]>;

/** Throws a PatternError for a pattern that cannot be looked for. */
export function createRedact(rules: readonly RedactionRule[]): Redact {
  const names: string[] = [];
  const patterns: Pattern[] = [];
  for (const rule of rules) {
    const name = typeof rule === 'string' ? rule : rule.name;
    for (const { pattern, verify } of writtenOf(rule)) {
      names.push(name);
      patterns.push({ ...parsePattern(pattern), verify });
    }
  }
  if (patterns.length === 0) return (text) => text;
  const find = createFinder(patterns);
  return (text) => {
    let redacted = '';
    let kept = 0;
    for (let match = find(text, 0); match !== null; match = find(text, match.to)) {
      redacted += `${text.slice(kept, match.from)}[${names[match.pattern]}]`;
      kept = match.to;
    }
    return kept === 0 ? text : redacted + text.slice(kept);
  };
}

function writtenOf(rule: RedactionRule): readonly Written[] {
  return typeof rule === 'string' ? BUILT_IN[rule] : [{ pattern: rule.pattern }];
}

/** Longer texts are cut: bodies are kept to be looked at, and not as a store of documents. */
const TEXT_MAX = 65_536;
/** What is cut off is looked at so far, so that nothing is half in and half out. */
const BEYOND = 1024;

/** A value of JSON as it is kept: each text in it redacted, cut, and without what Postgres does not take. */
export function redactValue(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redactText(value, redact);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [cleaned(name), redactValue(part, redact)]));
}

function redactText(text: string, redact: Redact): string {
  const redacted = cleaned(redact(text.length > TEXT_MAX + BEYOND ? text.slice(0, TEXT_MAX + BEYOND) : text));
  if (text.length <= TEXT_MAX) return redacted;
  return `${redacted.slice(0, TEXT_MAX).toWellFormed()}… [${text.length - TEXT_MAX} more characters]`;
}

/** Postgres keeps neither U+0000 nor half a pair in JSON. */
function cleaned(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** Luhn's, which every card number has and one in ten other numbers. */
function hasCheckDigit(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '');
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
