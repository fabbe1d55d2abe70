import { CommandError } from './command-error.ts';
import { EXIT } from './exit-codes.ts';
import { EXTENSION, knownModel } from './models.ts';

/** Where a model comes from, and what it is called when nobody says otherwise. */
export type ModelSource = { readonly name: string; readonly url: string; readonly sha256: string | null };

/** A name from the list, `owner/repository/file.gguf` on the mirror, or a URL. */
export function sourceOf(wanted: string, mirror: string): ModelSource {
  const known = knownModel(wanted);
  if (known) return { name: known.name, url: onMirror(mirror, known.repository, known.file), sha256: known.sha256 };
  if (/^https?:\/\//i.test(wanted)) return fromUrl(wanted);
  const [owner, repository, ...file] = wanted.split('/');
  if (owner && repository && file.length > 0) return named(onMirror(mirror, `${owner}/${repository}`, file.join('/')), file.join('/'));
  throw new CommandError(`there is no model ${JSON.stringify(wanted)} in the list`, {
    hint: '`sluice models list` shows it. Other models are named by URL, or as owner/repository/file.gguf on Hugging Face.',
  });
}

function onMirror(mirror: string, repository: string, file: string): string {
  return `${mirror.replace(/\/+$/, '')}/${repository}/resolve/main/${file}`;
}

function fromUrl(text: string): ModelSource {
  if (!URL.canParse(text)) throw new CommandError(`${text} is no URL`, { hint: 'It begins with https:// and leads to a file.', exitCode: EXIT.wrongUsage });
  const url = new URL(text);
  // The address of the page about a file, which people have before them, and that of the file itself differ in one word.
  url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/resolve/');
  return named(url.href, decodeURIComponent(url.pathname));
}

function named(url: string, path: string): ModelSource {
  const file = path.slice(path.lastIndexOf('/') + 1);
  if (!file.toLowerCase().endsWith(EXTENSION))
    throw new CommandError(`${file} is no GGUF file`, { hint: 'The name of a model file ends in .gguf.', exitCode: EXIT.wrongUsage });
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(file))
    throw new CommandError(`${file} is one part of several`, { hint: 'Pull a model whose file is in one part.', exitCode: EXIT.wrongUsage });
  return { name: file.slice(0, -EXTENSION.length).replaceAll(/[^\w.-]+/g, '-'), url, sha256: null };
}
