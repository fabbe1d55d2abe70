/** Ends a text before the first stop string in it, and holds back what may yet become one. */
export type StopWatch = {
  /** What may be said by now; `stopped` when a stop string came, and nothing is said after that. */
  readonly push: (text: string) => { readonly text: string; readonly stopped: boolean };
  /** What was held back, at the end of the text. */
  readonly rest: () => string;
};

export function watchStops(strings: readonly string[]): StopWatch {
  const stops = strings.filter((stop) => stop !== '');
  let held = '';
  return {
    push(text) {
      const all = held + text;
      const at = Math.min(...stops.map((stop) => all.indexOf(stop)).filter((index) => index !== -1));
      held = at === Infinity ? all.slice(all.length - longestBeginning(stops, all)) : '';
      return at === Infinity ? { text: all.slice(0, all.length - held.length), stopped: false } : { text: all.slice(0, at), stopped: true };
    },
    rest: () => held,
  };
}

/** How many of the last characters are the beginning of a stop string. */
function longestBeginning(stops: readonly string[], text: string): number {
  const longest = Math.min(text.length, Math.max(0, ...stops.map((stop) => stop.length - 1)));
  for (let length = longest; length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
