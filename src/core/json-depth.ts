/** Deeper JSON is nobody's request, and parsing a million levels blocks the process for a second. */
export const JSON_DEPTH_MAX = 64;

/** Whether the JSON of this text is nested deeper than any of ours may be, without parsing it. */
export function isTooDeep(text: string): boolean {
  // A text this short cannot be deep enough to hurt.
  if (text.length <= JSON_DEPTH_MAX * 2) return false;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 92) index++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) {
      if (++depth > JSON_DEPTH_MAX) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}
