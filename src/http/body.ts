import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { isTooDeep, JSON_DEPTH_MAX } from '../core/json-depth.ts';
import { type SetDown, setDown } from './body-stream.ts';
import { piecesOf } from './body-rest.ts';
import type { BodyType, Route } from './route.ts';

const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** Below DATA_DIR: bodies that are streamed, while their handlers read them. */
const INCOMING = 'incoming';

const decoder = new TextDecoder('utf-8', { fatal: true });

export type Sent = {
  /** The value that the route's schema checks; for a body that is streamed, what stands for it. */
  readonly value: unknown;
  readonly stream: SetDown | null;
};

/** Reads the body as one of the types that the route takes, or sets it down where the route has it streamed. */
export async function readBody(request: Request, { body, bodyTypes = ['application/json'], streamed }: Route, dataDir: string): Promise<Sent> {
  const streams = Object.keys(streamed?.types ?? {});
  const type = bodyType(request.headers.get('content-type'), body ? bodyTypes : [], streams);
  if (streamed && streams.includes(type)) {
    const stream = await setDown(request, { type, bytesMax: streamed.bytesMax, folder: join(dataDir, INCOMING) });
    return { value: { sha256: stream.sha256 }, stream };
  }
  return { value: await readWhole(request, type), stream: null };
}

async function readWhole(request: Request, type: string): Promise<unknown> {
  const announced = request.headers.get('content-length');
  if (Number(announced) > BODY_BYTES_MAX) throw tooLarge();
  const text = decode(announced === null ? await readUnannounced(request) : new Uint8Array(await request.arrayBuffer()));
  return type === 'application/json' ? parseJson(text) : parseForm(text);
}

function bodyType(header: string | null, read: readonly BodyType[], streamed: readonly string[]): string {
  // curl -d without a header says "form"; a body without any type is taken for JSON, which is what people mean.
  const name = header?.split(';', 1)[0]?.trim().toLowerCase() || (read.length > 0 ? 'application/json' : '');
  const types = [...read, ...streamed];
  if (types.includes(name)) return name;
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', {
    message: `This route reads ${types.join(' or ')}, not ${name === '' ? 'a body without a content type' : name.slice(0, 100)}`,
    details: { supported: types, received: name.slice(0, 100) },
  });
}

function tooLarge(): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', {
    message: 'The body is larger than 10 MB',
    details: { max_bytes: BODY_BYTES_MAX },
  });
}

async function readUnannounced(request: Request): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of piecesOf(request.body)) {
    size += part.length;
    if (size > BODY_BYTES_MAX) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new AppError('INVALID_JSON', { message: 'The body is not valid UTF-8' });
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw new AppError('INVALID_JSON', { message: 'The body is empty; send a JSON object' });
  if (isTooDeep(text))
    throw new AppError('INVALID_JSON', { message: `The JSON is nested deeper than ${JSON_DEPTH_MAX} levels`, details: { max_depth: JSON_DEPTH_MAX } });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('INVALID_JSON', { message: `The body is not valid JSON: ${cause instanceof Error ? cause.message : 'it cannot be parsed'}` });
  }
}

function parseForm(text: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(text)) fields[name] = value;
  return { ...fields };
}
