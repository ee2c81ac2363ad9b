import { describe, expect, it } from "vitest";
import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { compareDecisions, describeDecisions } from "./decisions.ts";
import { answeredClass } from "./head/answer.ts";

/** A file whose three scores pass through `end`, and the scores that are claimed to come before it. */
const ending = (
  end: (x: Value) => Value,
  undone: (x: Value) => Value = (x) => x,
): Architecture => ({
  name: "three",
  inputShape: [3],
  classes: 3,
  parameters: [],
  dropout: { rate: 0, masks: {} },
  forward: (x) => ({ logits: x, statistics: {} }),
  answers(x) {
    const answer = { rows: end(x), isLast: false };
    return {
      rows: answer.rows,
      answer: g.cast(answeredClass(answer), "float32"),
      undone: undone(x),
    };
  },
});

const images = tensor([4, 3], [1, 2, 3, 20, 30, 10, -1, 0.5, 0.2, 200, -9, 1]);
const compared = async (architecture: Architecture) =>
  compareDecisions(await nodeRuntime(), architecture, images, 3);

describe("decisions of a file and of the scores before its output", () => {
  it("agree under a monotone function", async () => {
    const found = await compared(ending((x) => g.mul(x, g.scalar(0.5))));
    expect(found).toEqual({ images: 4, ties: 0, undecided: 0, others: [] });
  });

  it("differ by ties where sigmoids saturate", async () => {
    const found = await compared(ending(g.sigmoid));
    expect(found).toEqual({ images: 4, ties: 1, undecided: 0, others: [] });
  });

  it("differ without a tie where the order is reversed", async () => {
    const found = await compared(ending(g.sigmoid, g.neg));
    expect(found?.others).toEqual([0, 1, 2, 3]);
  });

  it("are undecided where the output is NaN", async () => {
    const share = (x: Value) => g.div(g.exp(x), g.sum(g.exp(x), [1], true));
    const found = await compared(ending(share));
    expect(found).toEqual({ images: 4, ties: 0, undecided: 1, others: [] });
  });

  it("are counted in the note", () => {
    expect(describeDecisions({ images: 4, ties: 0, undecided: 0, others: [] })).toBeNull();
    expect(describeDecisions({ images: 4, ties: 1, undecided: 0, others: [2] })).toBe(
      "the file answers another class than the scores before its output for 1 of 4 images (index 2); float32 makes classes equal in the file's output for 1 of 4 images: the file answers the first of them, and so it is counted here",
    );
  });
});
