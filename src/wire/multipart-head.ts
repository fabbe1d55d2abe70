import { AppError } from '../contract/errors.ts';

/** What the head of a part says of it. */
export type PartHead = {
  readonly name: string;
  /** Null for a part that is a field and no file. */
  readonly filename: string | null;
  readonly type: string | null;
};

const decoder = new TextDecoder('utf-8', { fatal: true });
const FIELD = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/;
/** One at a time, from where the one before ended: linear, whatever the text. */
const PARAMETER = /[ \t]*;[ \t]*([\w!#$&+.^`|~*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/y;
/** What transport needs no decoding. */
const PLAIN = new Set(['7bit', '8bit', 'binary']);

export function readPartHead(bytes: Uint8Array): PartHead {
  const fields = readFields(bytes);
  const disposition = fields.get('content-disposition');
  if (disposition === undefined) throw badForm('a part has no Content-Disposition');
  const { first, parameters } = readParameters(disposition);
  const name = parameters.get('name');
  if (first !== 'form-data' || name === undefined) throw badForm('the Content-Disposition of a part is not form-data with a name');
  const encoding = fields.get('content-transfer-encoding')?.toLowerCase();
  if (encoding !== undefined && !PLAIN.has(encoding)) throw badForm(`a part is encoded as ${encoding.slice(0, 50)}, which forms are not`);
  const extended = parameters.get('filename*');
  const filename = extended === undefined ? parameters.get('filename') : readExtended(extended);
  return {
    name: unescaped(name),
    filename: filename === undefined ? null : extended === undefined ? unescaped(filename) : filename,
    type: fields.get('content-type') ?? null,
  };
}

/** The boundary that the type of a body names; null where it is no multipart/form-data with one. */
export function boundaryOf(contentType: string): string | null {
  const { first, parameters } = readParameters(contentType);
  const boundary = parameters.get('boundary');
  return first === 'multipart/form-data' && boundary !== undefined && /^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/.test(boundary) ? boundary : null;
}

function readFields(bytes: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of decode(bytes).split('\r\n')) {
    if (line === '') continue;
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) throw badForm('the head of a part has a line that is no field');
    const key = name.toLowerCase();
    if (fields.has(key)) throw badForm(`the head of a part says ${key.slice(0, 50)} twice`);
    fields.set(key, value.trim());
  }
  return fields;
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw badForm('the head of a part is not UTF-8');
  }
}

/** `form-data; name="file"; filename="a.jsonl"`. What follows a parameter that is none makes the whole invalid. */
function readParameters(header: string): { readonly first: string; readonly parameters: ReadonlyMap<string, string> } {
  const text = header.trim().replace(/;$/, '');
  const parameters = new Map<string, string>();
  const start = text.indexOf(';');
  const first = (start < 0 ? text : text.slice(0, start)).trim().toLowerCase();
  let at = start < 0 ? text.length : start;
  while (at < text.length) {
    PARAMETER.lastIndex = at;
    const found = PARAMETER.exec(text);
    if (!found) throw badForm('a parameter of a header cannot be read');
    const [whole, name = '', quoted, bare = ''] = found;
    const key = name.toLowerCase();
    if (parameters.has(key)) throw badForm(`a header says ${key.slice(0, 50)} twice`);
    parameters.set(key, quoted === undefined ? bare : quoted.replaceAll(/\\(["\\])/g, '$1'));
    at += whole.length;
  }
  return { first, parameters };
}

/** Browsers, and those who do as they do, write these three so, and nothing else (https://html.spec.whatwg.org/#multipart-form-data). */
function unescaped(text: string): string {
  return text.replaceAll('%22', '"').replaceAll(/%0D/gi, '\r').replaceAll(/%0A/gi, '\n');
}

/** `UTF-8''na%C3%AFve.txt` (RFC 8187). */
function readExtended(text: string): string {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(text) ?? [];
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded);
  } catch {
    // Said below.
  }
  throw badForm('a file name is not UTF-8');
}

export function badForm(why: string): AppError {
  return new AppError('INVALID_VALUE', { message: `The body is not valid multipart/form-data: ${why}` });
}
