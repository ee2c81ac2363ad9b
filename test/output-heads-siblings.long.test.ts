// One table of forms, over 300 lines since each form is a file of its own.
// Forms of an output beside those of output-heads.long.test.ts. Each decides as plain ONNX Runtime does, near its threshold and saturated too.
import { describe, expect, it } from "vitest";
import { normal } from "../src/math/distributions.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import type { NdArray } from "../src/math/tensor.ts";
import { decisionsOf, type HeadFile, line, plainly } from "./fixtures/output-heads-fixture.ts";

const axis = (of: number) => ({ axis: { int: of } });
const to = (type: number) => ({ to: { int: type } });
const file = (count: number, ...nodes: HeadFile["nodes"]): HeadFile => ({ count, nodes });
const int64 = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const shapes = {
  n21: int64(-1, 2, 1),
  n112: int64(-1, 1, 1, 2),
  n113: int64(-1, 1, 1, 3),
  n311: int64(-1, 3, 1, 1),
  n3: int64(-1, 3),
};
const shaped = (of: HeadFile): HeadFile => ({ ...of, more: shapes });

/** Rows of normal numbers of several sizes: ordinary, near a tie, and far beyond what float32 tells from 1. */
function drawn(count: number): number[][] {
  const all: number[][] = [];
  for (const [i, size] of [1, 1e-3, 1e-8, 30, 300].entries()) {
    const keys = keysFor(keyOf(i), [0, 1, 2, 3, 4, 5, 6, 7]);
    const { data } = normal(keys, [8, count]);
    for (let row = 0; row < 8; row++)
      all.push(
        Array.from(data.subarray(row * count, (row + 1) * count), (v) => Math.fround(size * v)),
      );
  }
  return all;
}

const half = (row: readonly number[]) => Number(row[0] > 0.5);
const largest = (row: readonly number[]) => row.indexOf(Math.max(...row));
const answer = (row: readonly number[]) => row[0];

type Form = readonly [name: string, file: HeadFile, decided: (y: readonly number[]) => number];

const e = [line("n = Neg(z)"), line("a = Exp(n)"), line("b = Add(a, 1)"), line("p = Div(1, b)")];
const forms: readonly Form[] = [
  [
    "a sigmoid by cases",
    file(
      1,
      ...e,
      line("f = Exp(z)"),
      line("h = Add(f, 1)"),
      line("q = Div(f, h)"),
      line("c = GreaterOrEqual(z, 0)"),
      line("y = Where(c, p, q)"),
    ),
    half,
  ],
  [
    "a sigmoid by cases, the other way around",
    file(
      1,
      ...e,
      line("f = Exp(z)"),
      line("h = Add(1, f)"),
      line("q = Div(f, h)"),
      line("c = Less(z, 0)"),
      line("y = Where(c, q, p)"),
    ),
    half,
  ],
  [
    "a sigmoid by the size of its score",
    file(
      1,
      line("s = Abs(z)"),
      line("n = Neg(s)"),
      line("a = Exp(n)"),
      line("b = Add(1, a)"),
      line("p = Div(1, b)"),
      line("q = Div(a, b)"),
      line("c = GreaterOrEqual(z, 0)"),
      line("y = Where(c, p, q)"),
    ),
    half,
  ],
  [
    "1 − Clip(p, 0.5, 1)",
    file(1, line("p = Sigmoid(z)"), line("c = Clip(p, 0.5, 1)"), line("y = Sub(1, c)")),
    half,
  ],
  ["Clip(p, 0.3, 1)", file(1, line("p = Sigmoid(z)"), line("y = Clip(p, 0.3, 1)")), half],
  [
    "p > 0.3 as a float",
    file(1, line("p = Sigmoid(z)"), line("b = Greater(p, 0.3)"), line("y = Cast(b)", to(1))),
    answer,
  ],
  [
    "p > 0.3 as a label",
    file(1, line("p = Sigmoid(z)"), line("b = Greater(p, 0.3)"), line("y = Cast(b)", to(7))),
    answer,
  ],
  [
    "p > 0.3 as a label of 32 bits",
    file(1, line("p = Sigmoid(z)"), line("b = Greater(p, 0.3)"), line("y = Cast(b)", to(6))),
    answer,
  ],
  [
    "p < 0.3",
    file(1, line("p = Sigmoid(z)"), line("b = Less(p, 0.3)"), line("y = Cast(b)", to(7))),
    answer,
  ],
  [
    "p ≥ 0.9",
    file(1, line("p = Sigmoid(z)"), line("b = GreaterOrEqual(p, 0.9)"), line("y = Cast(b)", to(7))),
    answer,
  ],
  [
    "0.9 ≥ p",
    file(1, line("p = Sigmoid(z)"), line("b = LessOrEqual(p, 0.9)"), line("y = Cast(b)", to(7))),
    answer,
  ],
  [
    "not p > 0.9",
    file(
      1,
      line("p = Sigmoid(z)"),
      line("b = Greater(p, 0.9)"),
      line("m = Not(b)"),
      line("y = Cast(m)", to(1)),
    ),
    answer,
  ],
  [
    "p > 0.3, chosen by Where",
    file(1, line("p = Sigmoid(z)"), line("b = Greater(p, 0.3)"), line("y = Where(b, 1, 0)")),
    answer,
  ],
  [
    "a rounded sigmoid as a label",
    file(1, line("p = Sigmoid(z)"), line("r = Round(p)"), line("y = Cast(r)", to(7))),
    answer,
  ],
  [
    "p plus a half, cut off to a label",
    file(1, line("p = Sigmoid(z)"), line("q = Add(p, 0.5)"), line("y = Cast(q)", to(7))),
    answer,
  ],
  [
    "log-sigmoid by softplus",
    file(1, line("n = Neg(z)"), line("s = Softplus(n)"), line("y = Neg(s)")),
    (y) => Number(y[0] > Math.fround(Math.log(0.5))),
  ],
  [
    "a sigmoid of a learned temperature",
    file(1, line("t = Div(z, 0.3)"), line("y = Sigmoid(t)")),
    half,
  ],
  [
    "100 times a sigmoid",
    file(1, line("p = Sigmoid(z)"), line("y = Mul(p, 100)")),
    (y) => Number(y[0] > 50),
  ],
  ["two sigmoids", file(2, line("y = Sigmoid(z)")), largest],
  ["three sigmoids", file(3, line("y = Sigmoid(z)")), largest],
  ["three hyperbolic tangents", file(3, line("y = Tanh(z)")), largest],
  ["three sigmoids by exponentials", file(3, ...e.slice(0, 3), line("y = Div(1, b)")), largest],
  [
    "three sigmoids by exponentials of both signs",
    file(3, line("f = Exp(z)"), line("h = Add(f, 1)"), line("y = Div(f, h)")),
    largest,
  ],
  [
    "probabilities [n, 2, 1]",
    shaped(file(2, line("r = Reshape(z, n21)"), line("y = Softmax(r)", axis(1)))),
    largest,
  ],
  [
    "probabilities [n, 1, 1, 2]",
    shaped(file(2, line("r = Reshape(z, n112)"), line("y = Softmax(r)", axis(3)))),
    largest,
  ],
  [
    "probabilities [n, 1, 1, 3], channels last",
    shaped(file(3, line("r = Reshape(z, n113)"), line("y = Softmax(r)", axis(-1)))),
    largest,
  ],
  [
    "probabilities [n, 3, 1, 1]",
    shaped(file(3, line("r = Reshape(z, n311)"), line("y = Softmax(r)", axis(1)))),
    largest,
  ],
  [
    "Softmax of opset 11, coerced, over [n, 3, 1, 1]",
    shaped({ count: 3, opset: 11, nodes: [line("r = Reshape(z, n311)"), line("y = Softmax(r)")] }),
    largest,
  ],
  [
    "Softmax of opset 11, coerced, over [n, 1, 1, 3]",
    shaped({
      count: 3,
      opset: 11,
      nodes: [line("r = Reshape(z, n113)"), line("y = Softmax(r)", axis(1))],
    }),
    largest,
  ],
  [
    "LogSoftmax of opset 9 over [n, 3, 1, 1]",
    shaped({
      count: 3,
      opset: 9,
      nodes: [line("r = Reshape(z, n311)"), line("s = LogSoftmax(r)"), line("y = Reshape(s, n3)")],
    }),
    largest,
  ],
  ["Softmax times 100", file(3, line("s = Softmax(z)", axis(1)), line("y = Mul(s, 100)")), largest],
  ["1 − Softmax", file(3, line("s = Softmax(z)", axis(1)), line("y = Sub(1, s)")), largest],
  ["distances", file(3, line("m = Mul(z, z)"), line("y = Neg(m)")), largest],
  ["distances that are not negated", file(3, line("y = Abs(z)")), largest],
  [
    "ArgMax, the last of several",
    file(3, line("y = ArgMax(z)", { ...axis(1), select_last_index: { int: 1 } })),
    answer,
  ],
  [
    "ArgMax of sigmoids, the last of several",
    file(
      3,
      line("s = Sigmoid(z)"),
      line("y = ArgMax(s)", { ...axis(1), select_last_index: { int: 1 } }),
    ),
    answer,
  ],
  ["ArgMin of distances", file(3, line("y = ArgMin(z)", axis(1))), answer],
  [
    "ArgMax of a softmax of float16",
    file(
      3,
      line("h = Cast(z)", to(10)),
      line("s = Softmax(h)", axis(1)),
      line("c = Cast(s)", to(1)),
      line("y = ArgMax(c)", axis(1)),
    ),
    answer,
  ],
  [
    "a sigmoid of float16",
    file(1, line("h = Cast(z)", to(10)), line("s = Sigmoid(h)"), line("y = Cast(s)", to(1))),
    half,
  ],
  [
    "Softmax over half of its score",
    file(
      2,
      line("s = Softmax(z)", axis(1)),
      line("l = Log(s)"),
      line("m = Mul(l, 0.5)"),
      line("y = Exp(m)"),
    ),
    largest,
  ],
  [
    "[p, 1 − p] of a sigmoid of the difference",
    file(
      2,
      line("a = Slice(z, i0, i1, i1)"),
      line("b = Slice(z, i1, i2, i1)"),
      line("d = Sub(a, b)"),
      line("p = Sigmoid(d)"),
      line("q = Sub(1, p)"),
      line("y = Concat(p, q)", axis(1)),
    ),
    largest,
  ],
  [
    "Sigmoid of a softmax",
    file(3, line("s = Softmax(z)", axis(1)), line("y = Sigmoid(s)")),
    largest,
  ],
  [
    "Softmax of a softmax",
    file(3, line("s = Softmax(z)", axis(1)), line("y = Softmax(s)", axis(1))),
    largest,
  ],
  [
    "Softmax of sigmoids",
    file(3, line("s = Sigmoid(z)"), line("y = Softmax(s)", axis(1))),
    largest,
  ],
  [
    "rounded probabilities",
    file(
      3,
      line("s = Softmax(z)", axis(1)),
      line("m = Mul(s, 100)"),
      line("r = Round(m)"),
      line("y = Div(r, 100)"),
    ),
    largest,
  ],
  ["a Hardmax", file(3, line("y = Hardmax(z)", axis(1))), largest],
  ["one unit and a softmax", file(1, line("y = Softmax(z)", axis(1))), half],
];

describe("an output", () => {
  it.each(forms)("%s: decisions are those of the file", async (_, form, decided) => {
    const z = drawn(form.count);
    const answers = await plainly(form, z);
    const decisions = await decisionsOf(form, z);
    // A row of NaN is no decision.
    const kept = z.flatMap((__, i) => (answers[i].some(Number.isNaN) ? [] : [i]));
    expect(kept.map((i) => decisions[i])).toEqual(kept.map((i) => decided(answers[i])));
    expect(kept.length).toBeGreaterThanOrEqual(32);
  });

  it("of three log-sigmoids is decided as the file does where float32 tells them apart", async () => {
    const nodes = [line("n = Neg(z)"), line("s = Softplus(n)"), line("y = Neg(s)")];
    const form: HeadFile = { count: 3, nodes };
    const z = drawn(3);
    const answers = await plainly(form, z);
    const decisions = await decisionsOf(form, z);
    const clear = z.flatMap((_, i) => {
      const [first, second] = answers[i].toSorted((a, b) => b - a);
      return first - second > 1e-6 ? [i] : [];
    });
    expect(clear.map((i) => decisions[i])).toEqual(clear.map((i) => largest(answers[i])));
    expect(clear.length).toBeGreaterThan(15);
  });
});
