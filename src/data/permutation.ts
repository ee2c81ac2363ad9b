// Detects a network whose outputs are numbered differently from the labels, the most common mistake of an audit.

/** A permutation of the labels under which many more predictions are right. */
export interface LikelyPermutation {
  /** In words: `each label is one less than its output`. */
  readonly name: string;
  /** Output of each label. Labels without examples keep their own output if it is free. */
  readonly outputs: readonly number[];
  /** Examples that are right under the permutation. */
  readonly explained: number;
  /** Examples that are right under the labels as they are. */
  readonly identity: number;
  readonly examples: number;
}

/** Smallest ratio of the examples that a permutation explains to those that the identity explains. */
const MIN_RATIO = 3;
/** Smallest share of the examples that a permutation must explain. */
const MIN_SHARE = 0.35;
/** Smallest share that it must explain, of all examples and of those that it moves, where it leaves many labels alone. */
const MIN_SHARE_OF_FEW = 0.5;
/** Smallest distance from chance level, in standard deviations. */
const MIN_DEVIATIONS = 6;

/** Number of examples that are right if label i means `outputs[i]`. */
const rightUnder = (confusion: readonly (readonly number[])[], outputs: readonly number[]) =>
  outputs.reduce((sum, output, label) => sum + (confusion[label][output] ?? 0), 0);

/** Rank of each number 0 … n − 1 among them sorted as text: 0, 1, 10, 11, …, 2, 20. */
function placesAsText(n: number): number[] {
  const places = new Array<number>(n);
  const sorted = Array.from({ length: n }, (_, i) => String(i)).sort();
  for (const [place, text] of sorted.entries()) places[Number(text)] = place;
  return places;
}

/** Permutations with a common cause, each with a name. */
function usualOrders(labels: number, outputs: number): (readonly [string, number[]])[] {
  const order = (f: (i: number) => number) => Array.from({ length: labels }, (_, i) => f(i));
  const places = placesAsText(labels);
  const numbers = order((place) => places.indexOf(place));
  return [
    [
      "each output is its label plus one, as where output 0 is a background class",
      order((i) => (i + 1) % outputs),
    ],
    [
      "each output is its label minus one, as where labels count from 1",
      order((i) => (i + outputs - 1) % outputs),
    ],
    ["the outputs are in reverse order", order((i) => outputs - 1 - i)],
    ["the outputs are the labels' numbers sorted as text (0, 1, 10, …, 2)", places],
    ["the labels are the outputs' numbers sorted as text (0, 1, 10, …, 2)", numbers],
  ];
}

/**
 * The permutation of the labels that clean predictions follow, from counts `confusion[label][output]`; null if the identity
 * does well or no permutation does. A permutation must explain three times as many examples as the identity, and 35 % of all.
 * Common ones are tried first and must exceed chance level. The best of all permutations can fit one example per label by
 * choice alone, so as many are subtracted. A permutation that moves a few labels only is judged by the examples of these: it
 * must explain half of them, and half of all.
 */
export function likelyPermutation(
  confusion: readonly (readonly number[])[],
): LikelyPermutation | null {
  const labels = confusion.length;
  const outputs = confusion[0]?.length ?? 0;
  const totals = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const examples = totals.reduce((sum, count) => sum + count, 0);
  if (labels > outputs || examples === 0) return null;
  const unchanged = Array.from({ length: labels }, (_, i) => i);
  const identity = rightUnder(confusion, unchanged);
  const least = MIN_RATIO * Math.max(identity, 1);
  const result = (name: string, order: readonly number[]): LikelyPermutation => ({
    name,
    outputs: order,
    identity,
    examples,
    explained: rightUnder(confusion, order),
  });
  const chance = examples / outputs;
  const beyondChance = chance + MIN_DEVIATIONS * Math.sqrt(chance * (1 - 1 / outputs));
  // Permutations overlap: up to 11 classes, text order is mostly "label minus one". The one that explains most counts.
  const usual = (outputs > 2 ? usualOrders(labels, outputs) : [])
    .map(([name, order]) => result(name, order))
    .sort((a, b) => b.explained - a.explained)
    .find(({ explained }) => explained >= Math.max(least, MIN_SHARE * examples, beyondChance));
  if (usual !== undefined) return usual;
  const seen = unchanged.filter((label) => totals[label] > 0);
  const best = completed(seen, assignment(seen.map((label) => confusion[label])), labels, outputs);
  const of = (counted: readonly number[], order: readonly number[]) =>
    counted.reduce((sum, label) => sum + confusion[label][order[label]], 0);
  /** Whether `best` fits the examples of these labels far better than the identity. */
  const fits = (counted: readonly number[], share: number) => {
    const beyondChoice = of(counted, best) - counted.length;
    const all = counted.reduce((sum, label) => sum + totals[label], 0);
    return (
      beyondChoice >= MIN_RATIO * Math.max(of(counted, unchanged), 1) &&
      beyondChoice >= share * (all - counted.length)
    );
  };
  const moved = seen.filter((label) => best[label] !== label);
  const fitsFew =
    fits(moved, MIN_SHARE_OF_FEW) && of(seen, best) - seen.length >= MIN_SHARE_OF_FEW * examples;
  return fitsFew || fits(seen, MIN_SHARE) ? result(nameOf(best), best) : null;
}

/** Extends a permutation of the seen labels: others keep their own output if it is free, else take the first free one. */
function completed(
  seen: readonly number[],
  found: readonly number[],
  labels: number,
  outputs: number,
): number[] {
  const taken = new Set(found);
  const order = new Array<number>(labels).fill(-1);
  for (const [i, label] of seen.entries()) order[label] = found[i];
  const missing = order.flatMap((output, label) => (output < 0 ? [label] : []));
  for (const label of missing)
    if (!taken.has(label)) {
      order[label] = label;
      taken.add(label);
    }
  let free = 0;
  for (const label of missing)
    if (order[label] < 0) {
      while (taken.has(free) && free < outputs) free++;
      order[label] = free++;
    }
  return order;
}

/** `labels 0 and 3 are exchanged`, or the number of moved labels and the first of them. */
function nameOf(outputs: readonly number[]): string {
  const moved = outputs.flatMap((output, label) => (output === label ? [] : [label]));
  if (moved.length === 2 && outputs[moved[0]] === moved[1] && outputs[moved[1]] === moved[0])
    return `labels ${moved[0]} and ${moved[1]} are exchanged`;
  const shown = moved.slice(0, 4).map((label) => `${label} → ${outputs[label]}`);
  return `${moved.length} of ${outputs.length} labels have another output: ${shown.join(", ")}${moved.length > 4 ? ", …" : ""}`;
}

/**
 * Assigns a different column to each row of `gains` [rows, columns], rows ≤ columns, so that the sum is largest. Hungarian
 * method by shortest augmenting paths, O(rows² · columns) (Jonker & Volgenant 1987).
 */
export function assignment(gains: readonly (readonly number[])[]): number[] {
  const columns = gains[0]?.length ?? 0;
  const potential = {
    row: new Float64Array(gains.length + 1),
    column: new Float64Array(columns + 1),
  };
  const rowOf = new Int32Array(columns + 1); // row of each column, both counted from 1; 0 is free
  for (let row = 1; row <= gains.length; row++) {
    const previous = new Int32Array(columns + 1);
    const slack = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const used = new Uint8Array(columns + 1);
    rowOf[0] = row;
    let at = 0;
    while (rowOf[at] !== 0) {
      used[at] = 1;
      const here = rowOf[at];
      let [delta, next] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= columns; j++) {
        if (used[j] === 1) continue;
        const cost = -gains[here - 1][j - 1] - potential.row[here] - potential.column[j];
        if (cost < slack[j]) {
          slack[j] = cost;
          previous[j] = at;
        }
        if (slack[j] < delta) [delta, next] = [slack[j], j];
      }
      for (let j = 0; j <= columns; j++)
        if (used[j] === 1) {
          potential.row[rowOf[j]] += delta;
          potential.column[j] -= delta;
        } else slack[j] -= delta;
      at = next;
    }
    for (; at !== 0; at = previous[at]) rowOf[at] = rowOf[previous[at]];
  }
  const found = new Array<number>(gains.length).fill(-1);
  for (let j = 1; j <= columns; j++) if (rowOf[j] > 0) found[rowOf[j] - 1] = j - 1;
  return found;
}
