import { writeSync } from 'node:fs';
import type { Log, LogFields } from '../app.ts';
import type { Settings } from '../contract/settings.ts';

type Level = Settings['logLevel'];
type LogOptions = { readonly level: Level; readonly pretty: boolean; readonly write?: (text: string) => void; readonly now?: () => number };

const WEIGHTS: Record<Level, number> = { debug: 10, info: 20, warning: 30, error: 40 };
const COLOURS: Record<Level, string> = { debug: '\u001b[90m', info: '\u001b[36m', warning: '\u001b[33m', error: '\u001b[31m' };
const SECRET_NAME = /authorization|api[-_]?key|password|secret|token$|cookie/i;
/** What a line has somewhere when `redact` would change a part of it. */
const SUSPICIOUS = /authorization|api[-_]?key|password|secret|token"|cookie|sk-|eyJ|earer/i;
const SECRET_VALUE = /\b(sk-[A-Za-z0-9_-]{6})[A-Za-z0-9_-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+|(\bBearer\s+)\S+/g;

export type ClosableLog = Log & { readonly flush: () => void };

/**
 * One JSON object a line. Lines of one turn of the event loop leave in one write: at thousands of requests a second the system call is most
 * of what a line costs. A crash loses no more than the turn in which it happens, and `flush` is called before every exit.
 */
export function createLog(options: LogOptions): ClosableLog {
  const write = options.write ?? ((text: string) => writeAll(process.stdout.fd, text));
  const now = options.now ?? Date.now;
  const least = WEIGHTS[options.level];
  const render = options.pretty ? prettyLine : jsonLine;
  let pending = '';

  const flush = (): void => {
    const text = pending;
    pending = '';
    if (text !== '') write(text);
  };
  const logger = (level: Level) => {
    if (WEIGHTS[level] < least) return () => undefined;
    return (message: string, fields: LogFields = {}): void => {
      if (pending === '') setImmediate(flush);
      pending += render(level, now(), message, fields);
    };
  };
  return { debug: logger('debug'), info: logger('info'), warning: logger('warning'), error: logger('error'), flush };
}

function jsonLine(level: Level, at: number, message: string, fields: LogFields): string {
  const whole = { time: new Date(at).toISOString(), level, message, ...fields };
  // To look at the line once costs a third of looking at each of its fields, and hardly a line has anything to hide.
  const line = JSON.stringify(whole);
  return `${SUSPICIOUS.test(line) ? JSON.stringify(whole, redact) : line}\n`;
}

function prettyLine(level: Level, at: number, message: string, fields: LogFields): string {
  let line = `\u001b[90m${new Date(at).toISOString().slice(11, 23)}\u001b[0m ${COLOURS[level]}${level.padEnd(7)}\u001b[0m ${message}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` \u001b[90m${name}=\u001b[0m${typeof value === 'string' ? String(redact(name, value)) : JSON.stringify(value, redact)}`;
  }
  return `${line}\n`;
}

/** The last guard: whatever is logged by mistake, a field named like a secret or a value that looks like one does not get out. */
function redact(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (SECRET_NAME.test(name)) return '[redacted]';
  return value.includes('sk-') || value.includes('eyJ') || value.includes('earer') ? value.replace(SECRET_VALUE, '$1$2[redacted]') : value;
}

/** A pipe that is full makes a non-blocking write fail with EAGAIN: try on, rather than lose the line. */
function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  for (let tries = 0; rest.length > 0 && tries < 1000; tries++) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EPIPE') return;
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') throw cause;
      Bun.sleepSync(1);
    }
  }
}
