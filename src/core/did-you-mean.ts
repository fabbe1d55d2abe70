/** The known name that was probably meant, or null when none is near. Short names forgive one slip, long ones two. */
export function didYouMean(given: string, known: Iterable<string>): string | null {
  const slipsMax = given.length < 4 ? 0 : Math.min(2, Math.floor(given.length / 4));
  const letters = lettersOf(given);
  let best: string | null = null;
  let bestDistance = slipsMax + 1;
  for (const name of known) {
    // Cheap looks first: the environment of a process holds hundreds of names.
    if (name === given || Math.abs(name.length - given.length) >= bestDistance) continue;
    if (lettersApart(letters, lettersOf(name)) > 2 * slipsMax) continue;
    const distance = editDistance(given.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Slips between two words: letters missing, added, wrong, or swapped with their neighbour. */
export function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let least = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      current.push(least);
    }
    [beforeLast, last] = [last, current];
  }
  return last[right.length] ?? 0;
}

/** The letters of a word as bits, upper and lower case alike. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let index = 0; index < word.length; index += 1) letters |= 1 << (word.charCodeAt(index) & 31);
  return letters;
}

/** How many letters only one of two words has: a slip changes two at most. */
function lettersApart(left: number, right: number): number {
  let bits = left ^ right;
  let count = 0;
  for (; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}
