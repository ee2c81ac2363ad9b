import { describe, expect, it } from "vitest";
import type { Cell } from "./cell.ts";
import { inShard, shardOf } from "./shard.ts";

const codeOf = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};

describe("a shard", () => {
  it.each<[string, string, Record<string, string>, number, number]>([
    ["is as stated", "1/4", { SLURM_ARRAY_TASK_ID: "3" }, 1, 4],
    [
      "of a Slurm array counts from its first task",
      "auto",
      { SLURM_ARRAY_TASK_ID: "7", SLURM_ARRAY_TASK_MIN: "5", SLURM_ARRAY_TASK_COUNT: "4" },
      2,
      4,
    ],
    [
      "of a Slurm array in steps counts its tasks",
      "auto",
      {
        SLURM_ARRAY_TASK_ID: "9",
        SLURM_ARRAY_TASK_MIN: "1",
        SLURM_ARRAY_TASK_STEP: "4",
        SLURM_ARRAY_TASK_COUNT: "3",
      },
      2,
      3,
    ],
    ["of an indexed Job needs the count alone", "/3", { JOB_COMPLETION_INDEX: "2" }, 2, 3],
    [
      "of Open MPI is its rank",
      "auto",
      { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "2" },
      1,
      2,
    ],
    ["of MPICH is its rank", "auto", { PMI_RANK: "0", PMI_SIZE: "2" }, 0, 2],
    [
      "in an MPI job of Slurm's array is the array's",
      "/8",
      { SLURM_ARRAY_TASK_ID: "4", OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "2" },
      4,
      8,
    ],
  ])("%s", (_, text, environment, index, count) => {
    expect(shardOf(text, environment)).toEqual({ index, count });
  });

  it.each<[string, string, Record<string, string>]>([
    ["no number of this process", "/3", {}],
    ["no count in Kubernetes", "auto", { JOB_COMPLETION_INDEX: "2" }],
    ["a number beyond the count", "/3", { JOB_COMPLETION_INDEX: "3" }],
    [
      "a number below the first task",
      "/3",
      { SLURM_ARRAY_TASK_ID: "1", SLURM_ARRAY_TASK_MIN: "2" },
    ],
    ["a variable that is not a number", "/3", { PMI_RANK: "one" }],
    ["a count of 0", "0/0", {}],
    ["another form", "2 of 3", {}],
  ])("is refused with %s", (_, text, environment) => {
    expect(codeOf(() => shardOf(text, environment))).toBe("bad-option");
  });

  const cell = (key: string, inputs: string[] = []): Cell =>
    ({ key, work: { inputs } }) as unknown as Cell;

  it("has every n-th cell and what it needs, so that all shards together have all cells", () => {
    const cells = [cell("a"), cell("b"), cell("c", ["a"]), cell("d", ["c", "b"]), cell("e")];
    const keys = (index: number, count: number) =>
      cells.filter(inShard(cells, { index, count })).map(({ key }) => key);
    expect(keys(0, 2)).toEqual(["a", "c", "e"]);
    expect(keys(1, 2)).toEqual(["a", "b", "c", "d"]);
    expect(keys(3, 4)).toEqual(["a", "b", "c", "d"]);
    expect(keys(4, 5)).toEqual(["e"]);
  });
});
