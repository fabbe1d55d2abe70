/** A table as a reader of RFC 4180 sees it. */
export function parse(text: string): Record<string, string>[] {
  const [header = [], ...records] = recordsOf(text);
  return records.map((record) => Object.fromEntries(header.map((name, index) => [name, record[index] ?? ''])));
}

function recordsOf(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    if (end === '\r\n') records.push(record);
    record = [];
  }
  return records;
}
