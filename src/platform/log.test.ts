import { describe, expect, test } from 'bun:test';
import { createLog } from './log.ts';

function written(fields: Record<string, unknown>): Record<string, unknown> {
  let text = '';
  const log = createLog({ level: 'info', pretty: false, write: (more) => (text += more), now: () => 0 });
  log.info('said', fields);
  log.flush();
  return JSON.parse(text) as Record<string, unknown>;
}

describe('a log line', () => {
  test('is one JSON object with time, level, message and the fields', () => {
    expect(written({ status: 200, model: 'a "model"' })).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      message: 'said',
      status: 200,
      model: 'a "model"',
    });
  });

  test.each(['authorization', 'x-api-key', 'apiKey', 'Admin_Password', 'client_secret', 'refresh_token', 'set-cookie'])(
    'does not say the value of %s, however deep it is',
    (name) => {
      const { deep, [name]: top } = written({ [name]: 'hush', deep: [{ [name]: 'hush' }] });
      expect([top, deep]).toEqual(['[redacted]', [{ [name]: '[redacted]' }]]);
    },
  );

  test('does not say a key, a token or a bearer credential, wherever it stands', () => {
    const line = JSON.stringify(
      written({ reason: 'the key sk-abcdef0123456789 is no good', list: ['eyJhbGci.eyJzdWIi.c2lnbmF0dXJl', { text: 'Bearer abc.def' }] }),
    );
    expect(line).toContain('sk-abcdef[redacted]');
    for (const secret of ['0123456789', 'c2lnbmF0dXJl', 'abc.def']) expect(line).not.toContain(secret);
  });

  test('keeps what only looks like a secret from afar', () => {
    expect(written({ input_tokens: 3, task: 'task-list' })).toMatchObject({ input_tokens: 3, task: 'task-list' });
  });
});

describe('the log', () => {
  test('writes the lines of one turn together, and nothing below its level', () => {
    const writes: string[] = [];
    const log = createLog({ level: 'warning', pretty: false, write: (text) => void writes.push(text) });
    log.info('unsaid');
    log.warning('one');
    log.error('two');
    log.flush();
    expect(writes.map((text) => text.trimEnd().split('\n').length)).toEqual([2]);
  });
});
