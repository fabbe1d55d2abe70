type HeaderReader = { readonly get: (name: string) => string | null };

/**
 * How long an answer asks to wait, null where it does not say. `retry-after-ms` is more exact and wins. A date is read against the sender's own
 * clock (its `Date` header), which makes it right whatever our clock says; without that header it means nothing.
 */
export function retryAfterMs(headers: HeaderReader): number | null {
  const exact = numberOf(headers.get('retry-after-ms'));
  if (exact !== null) return Math.ceil(exact);
  const words = headers.get('retry-after');
  if (words === null) return null;
  const seconds = numberOf(words);
  if (seconds !== null) return Math.ceil(seconds * 1000);
  const waitMs = Date.parse(words) - Date.parse(headers.get('date') ?? '');
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : null;
}

function numberOf(words: string | null): number | null {
  const digits = words?.trim();
  return digits !== undefined && /^\d{1,12}(\.\d{1,6})?$/.test(digits) ? Number(digits) : null;
}
