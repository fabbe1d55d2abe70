export type ServerEvent = { readonly id: string | null; readonly event: string; readonly data: string };

/** Our own service writes one form of event: `id`, `event` and `data` lines that end with \n. */
export async function* serverEvents(response: Response): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      const data = valuesOf(lines, 'data');
      if (data.length > 0) yield { id: valuesOf(lines, 'id')[0] ?? null, event: valuesOf(lines, 'event')[0] ?? 'message', data: data.join('\n') };
    }
  }
}

function valuesOf(lines: readonly string[], name: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
}
