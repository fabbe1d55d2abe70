import { SETTINGS, type SettingRow, variablesOf } from '../../contract/settings.ts';
import { didYouMean, editDistance } from '../../core/did-you-mean.ts';

const ROWS: readonly SettingRow[] = Object.values(SETTINGS);
const VARIABLES: ReadonlySet<string> = new Set(ROWS.flatMap(variablesOf));

export function isVariable(name: string): boolean {
  return VARIABLES.has(name);
}

/** The variable that an unknown one was probably meant to be. The environment is full of other people's names, so this is careful. */
export function misspeltVariable(name: string): string | null {
  if (VARIABLES.has(name) || name.length < 6) return null;
  // `CACHE_TTL` for `CACHE_TTL_S`: the unit forgotten.
  const withUnit = `${name.toUpperCase()}_S`;
  if (VARIABLES.has(withUnit)) return withUnit;
  const meant = didYouMean(name, VARIABLES);
  return meant !== null && isSlip(name.toUpperCase(), meant) ? meant : null;
}

/** Short words make other names, not slips: `EXA_API_KEY` and `APP_PORT` are no misspelt `XAI_API_KEY` and `API_PORT`; `API_KYE` is one. */
function isSlip(name: string, meant: string): boolean {
  const [words, meantWords] = [name.split('_'), meant.split('_')];
  if (words.length !== meantWords.length) return editDistance(name, meant) === 1 || name.length >= 12;
  return words.every((word, index) => {
    const meantWord = meantWords[index] ?? '';
    return word === meantWord || Math.max(word.length, meantWord.length) > 3 || sorted(word) === sorted(meantWord);
  });
}

function sorted(word: string): string {
  return [...word].toSorted().join('');
}
