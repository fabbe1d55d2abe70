import { expect, test } from 'bun:test';
import { csvRecord } from './csv.ts';

test('a record ends with CR LF, and what would break it is quoted', () => {
  expect(csvRecord(['a', 1, 0.000123, true, null, ''])).toBe('a,1,0.000123,true,,\r\n');
  expect(csvRecord(['a,b', 'say "hi"', 'two\nlines', 'cr\r'])).toBe('"a,b","say ""hi""","two\nlines","cr\r"\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")', '＝1'])('no spreadsheet runs the text %j', (text) => {
  expect(csvRecord([text]).replace(/^"/, '')).toStartWith("'");
});

test('a negative number is a number', () => expect(csvRecord([-1.5])).toBe('-1.5\r\n'));
