import { UsageError } from "./usage-error.ts";

/** The least number of insertions, deletions and substitutions that turn a into b (Levenshtein 1966). */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}

/** The candidate nearest to `word`, the first on a tie; undefined if more than half of the word would change. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let limit = Math.max(1, Math.floor(word.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < limit) [best, limit] = [candidate, distance];
  }
  return best;
}

/**
 * A message such as `unknown attack pgd-lif; did you mean pgd-linf?`. For the beginning of names, such as `pgd`, it lists
 * these; if no name is near, it lists all.
 */
export function unknownName(kind: string, word: string, known: readonly string[]): string {
  const begun = known.filter((name) => name.startsWith(`${word}-`));
  const guess = nearest(word, known);
  const guesses = begun.length === 0 && guess !== undefined ? [guess] : begun;
  const help = guesses.length === 0 ? `; choose from ${known.join(", ")}` : didYouMean(guesses);
  return `unknown ${kind} ${word}${help}`;
}

/** `; did you mean a, b or c?`; empty without words. */
export function didYouMean(words: readonly string[]): string {
  if (words.length === 0) return "";
  const last = words[words.length - 1];
  const others = words.slice(0, -1).join(", ");
  return `; did you mean ${others === "" ? last : `${others} or ${last}`}?`;
}

/** What to do about a name that a plug-in may define, as a line of a message. */
export const PLUGIN_ADVICE =
  "  if a plug-in defines it, load the plug-in: --plugin FILE on the command line, use(definition) in the library";

/** The error for a name that is in no table of definitions; `problem` says which. Its code is `unknown-name`. */
export const unknownDefinition = (problem: string): UsageError =>
  new UsageError([problem, PLUGIN_ADVICE], { code: "unknown-name" });
