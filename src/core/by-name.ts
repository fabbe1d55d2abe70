/** What the configuration file says of a model: under its own name, or under the longest pattern, such as `ollama/*`, that it fits. */
export function statedFor<Entry>(entries: Readonly<Record<string, Entry>>, name: string): Entry | undefined {
  return entries[name] ?? entries[longestPattern(Object.keys(entries), name)];
}

function longestPattern(keys: readonly string[], name: string): string {
  const fitting = keys.filter((key) => key.endsWith('*') && name.startsWith(key.slice(0, -1)));
  return fitting.reduce((longest, key) => (key.length > longest.length ? key : longest), '');
}
