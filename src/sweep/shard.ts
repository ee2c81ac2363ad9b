// The cells that one process of an array of processes computes.
import { UsageError } from "../math/usage-error.ts";
import type { Cell } from "./cell.ts";

/** Part `index` of `count`, from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables with the number of this process, and variables with the number of processes; the first set variable counts. */
const INDEX = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "OMPI_COMM_WORLD_RANK", "PMI_RANK"];
const COUNT: Readonly<Record<string, string>> = {
  SLURM_ARRAY_TASK_ID: "SLURM_ARRAY_TASK_COUNT",
  OMPI_COMM_WORLD_RANK: "OMPI_COMM_WORLD_SIZE",
  PMI_RANK: "PMI_SIZE",
};

const bad = (message: string, next: string): UsageError =>
  new UsageError(message, { code: "bad-option", next });

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text.trim()))
    throw bad(
      `${name} is ${JSON.stringify(text)}, but it must be a whole number`,
      "unset it, or give --shard i/n",
    );
  return Number(text);
}

/** The number of this process in its array, and the variable that states it. */
function indexIn(environment: Environment): { readonly name: string; readonly index: number } {
  const name = INDEX.find((one) => environment[one] !== undefined && environment[one] !== "");
  if (name === undefined)
    throw bad(
      `--shard gives no number of this process, and none of ${INDEX.join(", ")} is set`,
      "give --shard i/n, with i from 0 to n - 1",
    );
  const number = wholeNumber(name, environment[name] ?? "");
  if (name !== "SLURM_ARRAY_TASK_ID") return { name, index: number };
  const first = wholeNumber("SLURM_ARRAY_TASK_MIN", environment.SLURM_ARRAY_TASK_MIN ?? "0");
  const step = wholeNumber("SLURM_ARRAY_TASK_STEP", environment.SLURM_ARRAY_TASK_STEP || "1");
  const index = (number - first) / Math.max(1, step);
  if (!Number.isInteger(index))
    throw bad(
      `task ${number} is not in an array from ${first} in steps of ${step}`,
      "give --shard i/n",
    );
  return { name, index };
}

/**
 * The shard of `--shard`: `i/n`, `/n` with i from the environment of Slurm, Kubernetes or MPI, or `auto` with both from it.
 * Throws `UsageError` if a part is missing or out of range.
 */
export function shardOf(text: string, environment: Environment): Shard {
  const [, index, count] = /^(\d{1,9})?\/(\d{1,9})$/.exec(text) ?? [];
  if (count === undefined && text !== "auto")
    throw bad(`--shard is ${JSON.stringify(text)}`, "write i/n, /n or auto: --shard 0/4");
  const from = index === undefined ? indexIn(environment) : { name: "", index: Number(index) };
  const found = count === undefined ? environment[COUNT[from.name] ?? ""] : count;
  if (found === undefined || found === "")
    throw bad(
      `${from.name} is the number of this process, and the number of processes is unknown`,
      "give their number: --shard /n",
    );
  const shard = {
    index: from.index,
    count: count === undefined ? wholeNumber(COUNT[from.name], found) : Number(count),
  };
  if (shard.count < 1 || shard.index < 0 || shard.index >= shard.count)
    throw bad(
      `shard ${shard.index} of ${shard.count} does not exist`,
      `numbers go from 0 to n - 1; is the array larger than --shard /${shard.count}?`,
    );
  return shard;
}

/**
 * Whether a cell belongs to a shard: every n-th cell of the plan, and the cells that they need. A shard computes the
 * missing inputs of its own cells itself, so shards may run in any order.
 */
export function inShard(cells: readonly Cell[], { index, count }: Shard): (cell: Cell) => boolean {
  const byKey = new Map(cells.map((cell) => [cell.key, cell]));
  const wanted = new Set<string>();
  const want = (cell: Cell): void => {
    if (wanted.has(cell.key)) return;
    wanted.add(cell.key);
    for (const key of cell.work.inputs) {
      const input = byKey.get(key);
      if (input !== undefined) want(input);
    }
  };
  for (const [i, cell] of cells.entries()) if (i % count === index) want(cell);
  return ({ key }) => wanted.has(key);
}
