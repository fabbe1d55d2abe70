const NANO = 1_000_000_000n;

/** As JSON says it. Nano-USD are exact in it up to eight million dollars, and to a millionth of a cent beyond. */
export function usdOf(nanoUsd: number | bigint): number {
  return Number(nanoUsd) / Number(NANO);
}

/** Exact whatever the size, for papers that are added up elsewhere: 0.000123. */
export function usdText(nanoUsd: bigint): string {
  const fraction = String(nanoUsd % NANO)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(nanoUsd / NANO) : `${nanoUsd / NANO}.${fraction}`;
}

/** The same fields with amounts, which alone are bigints, as JSON says them. */
export function inUsd<Value>(fields: Readonly<Record<string, Value | bigint>>): Record<string, Value | number> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === 'bigint' ? usdOf(value) : value]));
}
