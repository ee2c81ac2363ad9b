import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { data, good, place, removeFolder } from "../../test/fixtures/audit-fixture.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { TrainOptions } from "../train/options.ts";
import { trainFileInNode } from "./node.ts";

removeFolder();
const runtime = await nodeRuntime({ threads: 1 });

/** The notes of a training whose attacks break the file on every image, and the share of the run in which radii grow. */
async function trained(given: Partial<TrainOptions>) {
  const options: TrainOptions = {
    defense: "at-linf",
    data: `npz:${data}`,
    steps: 1,
    batch: 8,
    epochs: 2,
    rate: 0.01,
    epsilonLinf: 0.9,
    ...given,
  };
  const out = place();
  const notes: string[] = [];
  const note = ({ code }: { readonly code: string }) => notes.push(code);
  for await (const _ of trainFileInNode(options, {
    path: good,
    out,
    runtime,
    note,
    hardens: true,
  }));
  const { options: kept } = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
  return { notes, share: kept.epsilonWarmup };
}

it("the radii of an undefended file grow, unless --epsilon-warmup 0 turns this off", async () => {
  expect(await trained({})).toEqual({ notes: expect.arrayContaining(["warmup"]), share: 0.3 });
  const off = await trained({ epsilonWarmup: 0 });
  expect(off.notes).not.toContain("warmup");
  expect(off.share).toBe(0);
});
