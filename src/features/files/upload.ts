import type { App } from '../../app.ts';
import type { FileNote } from '../../app/keeping.ts';
import { AppError } from '../../contract/errors.ts';
import { FileForm } from '../../contract/files.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { checker } from '../../http/validate.ts';
import { boundaryOf } from '../../wire/multipart-head.ts';
import { type Form, openForm } from './form.ts';
import { fileObject } from './show.ts';

const DAY_MS = 86_400_000;
const NAME_CHARS_MAX = 255;
const WHOLE_NUMBER = /^\d{1,15}$/;

const checkForm = checker(FileForm, 'body');

export async function uploadFile(app: App, { bodyStream, principal }: Exchange): Promise<Reply> {
  const boundary = bodyStream ? boundaryOf(bodyStream.contentType) : null;
  if (!bodyStream || boundary === null) {
    throw new AppError('INVALID_VALUE', { message: 'The body must be multipart/form-data, with a boundary in its content type' });
  }
  const form = openForm(bodyStream.read(), boundary);
  const head = await form.nextFile();
  // Says what is missing, the file before all else.
  if (head === null) throw refused(form, null);
  if (head.name !== 'file') throw new AppError('INVALID_VALUE', { field: head.name, message: `${head.name} cannot be a file; the file is \`file\`` });
  const file = await app.files.put(principal.projectId, form.content(), {
    async describe() {
      if ((await form.nextFile()) !== null) throw new AppError('INVALID_VALUE', { field: 'file', message: 'There can be one file at a time' });
      return noteOf(app, form, nameOf(head.filename));
    },
  });
  return { json: fileObject(file) };
}

function noteOf(app: Pick<App, 'clock' | 'config'>, form: Form, filename: string): FileNote {
  const { purpose, expires_after: expiresAfter } = checkForm(formBody(form, filename)) as FileForm;
  if (expiresAfter) return { filename, purpose, expiresAt: app.clock.now() + expiresAfter.seconds * 1000 };
  const isOfBatch = purpose === 'batch';
  return { filename, purpose, expiresAt: isOfBatch ? app.clock.now() + app.config().file.retention.files_days * DAY_MS : null };
}

function refused(form: Form, filename: string | null): unknown {
  try {
    return checkForm(formBody(form, filename));
  } catch (cause) {
    return cause;
  }
}

/** `expires_after[seconds]` is how forms write what is nested. */
function formBody({ fields }: Form, file: string | null): unknown {
  const nested = [...fields].flatMap(([name, text]) => {
    const [, inner] = /^expires_after\[(\w+)\]$/.exec(name) ?? [];
    return inner === undefined ? [] : [[inner, inner === 'seconds' && WHOLE_NUMBER.test(text) ? Number(text) : text] as const];
  });
  const purpose = fields.get('purpose');
  return {
    ...(file === null ? {} : { file }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(nested.length === 0 ? {} : { expires_after: Object.fromEntries(nested) }),
  };
}

/** The name alone, whatever folder its sender had it in. */
function nameOf(filename: string | null): string {
  const name = (filename ?? '')
    .replaceAll(/\p{Cc}/gu, '')
    .replace(/^.*[/\\]/s, '')
    .trim();
  return [...name].slice(0, NAME_CHARS_MAX).join('') || 'upload';
}
