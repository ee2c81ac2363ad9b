import type { NodeProto } from "onnx-buf";
// One table of every form of an output, over 300 lines since each form is a file of its own.
// Every form of an output is compared with plain ONNX Runtime's decision and with the scores that it was made of.
import { describe, expect, it } from "vitest";
import {
  attacked,
  type HeadFile,
  line,
  networkOf,
  plainly,
} from "./fixtures/output-heads-fixture.ts";

const axis = (of: number) => ({ axis: { int: of } });
const one = (...nodes: HeadFile["nodes"]): HeadFile => ({ count: 1, nodes });
const three = (...nodes: HeadFile["nodes"]): HeadFile => ({ count: 3, nodes });

/** Scores on both sides of 0, near it and far from it. */
const column = [-40, -9, -2, -0.6, -0.4, -1e-3, 0, 1e-3, 0.3, 0.6, 1, 5, 12, 40].map((z) => [z]);
const above = (threshold: number) => (row: readonly number[]) => Number(row[0] > threshold);
const largest = (row: readonly number[]) => row.indexOf(Math.max(...row));

type Single = readonly [
  name: string,
  file: HeadFile,
  decided: (y: readonly number[]) => number,
  z: (z: number) => number,
];
const half = above(0.5);
const same = (z: number) => z;
const opposite = (z: number) => -z;

const singles: readonly Single[] = [
  ["Sigmoid", one(line("y = Sigmoid(z)")), half, same],
  [
    "1 / (1 + exp(−z))",
    one(line("n = Neg(z)"), line("e = Exp(n)"), line("d = Add(e, 1)"), line("y = Div(1, d)")),
    half,
    same,
  ],
  [
    "Reciprocal of 1 + exp(−z)",
    one(
      line("n = Mul(z, -1)"),
      line("e = Exp(n)"),
      line("d = Add(1, e)"),
      line("y = Reciprocal(d)"),
    ),
    half,
    same,
  ],
  [
    "(1 + exp(−z)) to the power of −1",
    one(line("n = Neg(z)"), line("e = Exp(n)"), line("d = Add(1, e)"), line("y = Pow(d, -1)")),
    half,
    same,
  ],
  [
    "exp(z) / (1 + exp(z))",
    one(line("e = Exp(z)"), line("d = Add(e, 1)"), line("y = Div(e, d)")),
    half,
    same,
  ],
  [
    "exp(z) / (1 + exp(z)), with the exponential written twice",
    one(line("e = Exp(z)"), line("f = Exp(z)"), line("d = Add(1, f)"), line("y = Div(e, d)")),
    half,
    same,
  ],
  [
    "(tanh(z/2) + 1) / 2",
    one(line("h = Div(z, 2)"), line("t = Tanh(h)"), line("s = Add(t, 1)"), line("y = Mul(s, 0.5)")),
    half,
    (z) => z / 2,
  ],
  [
    "the normal distribution, by Erf",
    one(line("t = Erf(z)"), line("s = Add(t, 1)"), line("y = Mul(0.5, s)")),
    half,
    same,
  ],
  ["HardSigmoid", one(line("y = HardSigmoid(z)")), half, same],
  [
    "HardSigmoid of other numbers",
    one(line("y = HardSigmoid(z)", { alpha: { float: 0.5 }, beta: { float: 0.2 } })),
    half,
    (z) => z - 0.6,
  ],
  ["Clip to [0, 1]", one(line("y = Clip(z, 0, 1)")), half, (z) => z - 0.5],
  ["Clip of a sigmoid", one(line("s = Sigmoid(z)"), line("y = Clip(s, 1e-7, 1-1e-7)")), half, same],
  [
    "Max and Min of a sigmoid",
    one(line("s = Sigmoid(z)"), line("m = Max(s, 1e-7)"), line("y = Min(m, 1-1e-7)")),
    half,
    same,
  ],
  [
    "smoothed probabilities",
    one(line("s = Sigmoid(z)"), line("m = Mul(s, 0.9)"), line("y = Add(m, 0.05)")),
    half,
    same,
  ],
  ["1 − sigmoid", one(line("s = Sigmoid(z)"), line("y = Sub(1, s)")), half, opposite],
  [
    "a sigmoid squared, decided at its own ½",
    one(line("s = Sigmoid(z)"), line("y = Pow(s, 2)")),
    half,
    (z) => z - Math.log(Math.SQRT1_2 / (1 - Math.SQRT1_2)),
  ],
  ["255 times a sigmoid", one(line("s = Sigmoid(z)"), line("y = Mul(s, 255)")), above(127.5), same],
  [
    "the logarithm of a sigmoid",
    one(line("s = Sigmoid(z)"), line("y = Log(s)")),
    above(Math.fround(Math.log(0.5))),
    same,
  ],
  ["tanh", one(line("y = Tanh(z)")), above(0), same],
  [
    "softsign as a probability",
    one(line("t = Softsign(z)"), line("s = Add(t, 1)"), line("y = Mul(s, 0.5)")),
    half,
    same,
  ],
  [
    "a comparison with a half",
    one(
      line("s = Sigmoid(z)"),
      line("b = Greater(s, 0.5)"),
      line("y = Cast(b)", { to: { int: 1 } }),
    ),
    half,
    same,
  ],
  ["a rounded sigmoid", one(line("s = Sigmoid(z)"), line("y = Round(s)")), half, same],
  ["a score in no known range", one(line("y = Add(z, 0.5)")), above(0), (z) => z + 0.5],
];

describe("one score", () => {
  it.each(singles)(
    "%s: is decided where the file decides it, ties included",
    async (_, file, decided, expected) => {
      const { logits, decisions, slopes } = attacked(file, column);
      const output = await plainly(file, column);
      expect(decisions).toEqual(output.map(decided));
      logits.forEach(([zero, own], i) => {
        expect(zero).toBeCloseTo(0, 6);
        expect(own).toBeCloseTo(expected(column[i][0]), 5);
      });
      for (const [slope] of slopes) expect(slope).not.toBe(0);
    },
  );

  it("says what was taken off, and where it is decided", async () => {
    const head = networkOf(one(line("s = Sigmoid(z)"), line("y = Clip(s, 1e-7, 1-1e-7)"))).head;
    expect(head).toEqual([
      "Clip, Sigmoid taken off the output; attacks see the logits.",
      "One score became two classes: class 1 where the score z before Sigmoid has z > 0 (probability 0.5).",
    ]);
    expect(networkOf(one(line("y = Add(z, 0.5)"))).head).toEqual([
      "One score z became two classes: class 1 where z > 0 (nothing in the file says where it is decided).",
    ]);
  });

  it("of a softmax over one unit is the same for every image", async () => {
    const file = one(line("y = Softmax(z)", axis(1)));
    const { network, logits } = attacked(file, column);
    expect(network.removed).toEqual([]);
    expect(network.head).toEqual([
      "One score z became two classes: class 1 where z > 0.5 (probability 0.5).",
    ]);
    expect(new Set(logits.map(String)).size).toBe(1);
    expect(largest(logits[0])).toBe(1);
  });

  it.each([
    ["sliced", [line("y = Slice(s, i1, i2, i1)")]],
    ["gathered", [line("y = Gather(s, i1)", axis(1))]],
  ])(
    "that is an entry of a softmax, %s, is decided at ½ by its logit against all others",
    async (_, cut) => {
      const nodes = [line("s = Softmax(z)", axis(1)), ...cut];
      for (const count of [2, 3]) {
        const file = { count, nodes };
        const z = [
          [1, 2, -1],
          [3, 2, 1],
          [0, 0, -90],
          [200, -200, 0],
          [-1, 1, 0.5],
        ].map((row) => row.slice(0, count));
        const { decisions, logits, slopes } = attacked(file, z);
        expect(decisions).toEqual((await plainly(file, z)).map(half));
        z.forEach((row, i) => {
          const others = row.filter((__, j) => j !== 1);
          const top = Math.max(...others);
          const rest = top + Math.log(others.reduce((sum, v) => sum + Math.exp(v - top), 0));
          expect(logits[i][1] - logits[i][0]).toBeCloseTo(row[1] - rest, 4);
        });
        for (const row of slopes) expect(row[1]).not.toBe(0);
      }
    },
  );

  it("that is the mean of two sigmoids keeps its gradient where both are saturated", async () => {
    const file: HeadFile = {
      count: 2,
      nodes: [
        line("s = Sigmoid(z)"),
        line("a = Slice(s, i0, i1, i1)"),
        line("b = Slice(s, i1, i2, i1)"),
        line("c = Add(a, b)"),
        line("y = Mul(c, 0.5)"),
      ],
    };
    const z = [
      [50, 60],
      [-50, -60],
      [1, -2],
      [-1, 2],
      [30, -1],
    ];
    const { decisions, slopes } = attacked(file, z);
    expect(decisions).toEqual((await plainly(file, z)).map(half));
    for (const row of slopes) expect(row.some((slope) => Math.abs(slope) > 0.1)).toBe(true);
  });
});

/** Rows without ties, near and far, and with ties. */
const rows = [
  [1, 2, 3],
  [3, 2, 1],
  [-1, 0.5, 0.2],
  [0.1, 0.2, 0.15],
  [10, -5, 4],
  [2, 2, 1],
  [1, 2, 2],
  [-3, -1, -2],
];
const softmax = line("s = Softmax(z)", axis(1));
const shifted = [line("m = ReduceMax(z)", { axes: { ints: [1] } }), line("c = Sub(z, m)")];
const unshifted = [line("c = Identity(z)")];
const writtenOut = (before: readonly NodeProto[]) => [
  ...before,
  line("e = Exp(c)"),
  line("t = ReduceSum(e, i1)"),
];

const several: readonly (readonly [string, HeadFile, readonly string[], (z: number) => number])[] =
  [
    ["Softmax", three(line("y = Softmax(z)", axis(1))), ["Softmax"], same],
    [
      "Softmax of a temperature",
      three(line("h = Div(z, 2)"), line("y = Softmax(h)", axis(1))),
      ["Softmax"],
      (z) => z / 2,
    ],
    ["Log of Softmax", three(softmax, line("y = Log(s)")), ["Log", "Softmax"], same],
    ["LogSoftmax", three(line("y = LogSoftmax(z)", axis(1))), ["LogSoftmax"], same],
    [
      "Softmax that is written out",
      three(...writtenOut(unshifted), line("y = Div(e, t)")),
      ["Softmax"],
      same,
    ],
    [
      "Softmax that is written out with its maximum",
      three(...writtenOut(shifted), line("y = Div(e, t)")),
      ["Softmax"],
      same,
    ],
    [
      "LogSoftmax that is written out",
      three(...writtenOut(shifted), line("l = Log(t)"), line("y = Sub(c, l)")),
      ["LogSoftmax"],
      same,
    ],
    [
      "z − logsumexp",
      three(line("l = ReduceLogSumExp(z)", { axes: { ints: [1] } }), line("y = Sub(z, l)")),
      ["LogSoftmax"],
      same,
    ],
    [
      "clipped Softmax",
      three(softmax, line("y = Clip(s, 1e-7, 1-1e-7)")),
      ["Clip", "Softmax"],
      same,
    ],
    [
      "smoothed Softmax",
      three(softmax, line("m = Mul(s, 0.9)"), line("y = Add(m, 0.05)")),
      ["Softmax"],
      same,
    ],
    ["Softmax times 255", three(softmax, line("y = Mul(s, 255)")), ["Softmax"], same],
    ["root of Softmax", three(softmax, line("y = Sqrt(s)")), ["Sqrt", "Softmax"], same],
    [
      "sharpened Softmax",
      three(softmax, line("p = Pow(s, 2)"), line("t = ReduceSum(p, i1)"), line("y = Div(p, t)")),
      ["Normalizer", "Pow", "Softmax"],
      same,
    ],
    [
      "Softmax of −z as distances",
      three(line("n = Neg(z)"), line("s = Softmax(n)", axis(1)), line("y = Neg(s)")),
      ["Softmax"],
      same,
    ],
    ["Sigmoid of each class", three(line("y = Sigmoid(z)")), ["Sigmoid"], same],
    [
      "Sigmoids that add up to one",
      three(line("s = Sigmoid(z)"), line("t = ReduceSum(s, i1)"), line("y = Div(s, t)")),
      ["Normalizer", "Sigmoid"],
      same,
    ],
    [
      "Sigmoids over their sum with a little more",
      three(
        line("s = Sigmoid(z)"),
        line("t = ReduceSum(s, i1)"),
        line("u = Add(t, 1e-7)"),
        line("y = Div(s, u)"),
      ),
      ["Normalizer", "Sigmoid"],
      same,
    ],
    ["1 − Sigmoid", three(line("s = Sigmoid(z)"), line("y = Sub(1, s)")), ["Sigmoid"], opposite],
    ["Tanh", three(line("y = Tanh(z)")), ["Tanh"], same],
    [
      "ArgMax of Softmax",
      three(softmax, line("y = ArgMax(s)", axis(1))),
      ["ArgMax", "Softmax"],
      same,
    ],
  ];

describe("scores of several classes", () => {
  it.each(several)(
    "%s: the order is that of the file, and the scores are those before it",
    async (_, file, removed, expected) => {
      const { network, logits, decisions } = attacked(file, rows);
      expect(network.removed).toEqual(removed);
      const output = await plainly(file, rows);
      expect(decisions).toEqual(output.map((row) => (row.length === 1 ? row[0] : largest(row))));
      logits.forEach((row, i) => {
        row.forEach((value, j) => {
          expect(value - row[0]).toBeCloseTo(expected(rows[i][j]) - expected(rows[i][0]), 4);
        });
      });
    },
  );

  it.each([
    ["a scale", line("y = Mul(z, t)")],
    ["a shift", line("y = Add(z, t)")],
  ])("%s of each row, as of a quantiser, stays", async (_, end) => {
    const file = three(
      line("a = Abs(z)"),
      line("m = ReduceMean(a)", { axes: { ints: [1] } }),
      line("t = Mul(m, 0.05)"),
      end,
    );
    const { network, logits } = attacked(file, rows);
    expect(network.removed).toEqual([]);
    (await plainly(file, rows)).forEach((row, i) => {
      row.forEach((value, j) => {
        expect(logits[i][j]).toBeCloseTo(value, 5);
      });
    });
  });

  it("a softmax written as a product with the reciprocal of its sum is taken off", async () => {
    const file = three(
      line("e = Exp(z)"),
      line("t = ReduceSum(e, i1)"),
      line("r = Reciprocal(t)"),
      line("y = Mul(e, r)"),
    );
    const { network, logits } = attacked(file, rows);
    expect(network.removed).toEqual(["Softmax"]);
    logits.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(value).toBeCloseTo(rows[i][j], 5);
      });
    });
  });

  it("a softmax over the batch stays", () => {
    const { network, logits } = attacked(three(line("y = Softmax(z)", axis(0))), rows);
    expect(network.removed).toEqual([]);
    for (const j of [0, 1, 2])
      expect(logits.reduce((sum, row) => sum + row[j], 0)).toBeCloseTo(1, 5);
  });

  it("a softmax over places before they are added up stays", async () => {
    const file: HeadFile = {
      count: 6,
      nodes: [
        line("r = Reshape(z, form)"),
        line("s = Softmax(r)", axis(2)),
        line("w = Mul(s, r)"),
        line("y = ReduceSum(w, i2)", { keepdims: { int: 0 } }),
      ],
      more: { form: { dtype: "int64", shape: [3], data: BigInt64Array.of(-1n, 3n, 2n) } },
    };
    const z = [
      [1, 2, 3, 1, 0, 0],
      [0, 4, -1, 2, 4.5, 1],
    ];
    const { network, logits } = attacked(file, z);
    expect(network.removed).toEqual([]);
    (await plainly(file, z)).forEach((row, i) => {
      row.forEach((value, j) => {
        expect(logits[i][j]).toBeCloseTo(value, 5);
      });
    });
  });

  it("part of a softmax's classes, as without a background, are those of its logits", async () => {
    const file: HeadFile = {
      count: 4,
      nodes: [softmax, line("y = Slice(s, i1, i4, i1)")],
      more: { i4: { dtype: "int64", shape: [1], data: BigInt64Array.of(4n) } },
    };
    const z = [
      [9, 1, 2, 3],
      [-200, 3, 1, 2],
      [500, 0, 2, 1],
    ];
    const { network, logits, decisions } = attacked(file, z);
    expect(network.removed).toEqual(["Softmax"]);
    expect(logits.slice(0, 2)).toEqual(z.slice(0, 2).map((row) => row.slice(1)));
    // Of the last row all three probabilities are 0 in float32.
    expect(decisions).toEqual((await plainly(file, z)).map(largest));
  });

  it.each([
    ["that ties the best two", three(softmax, line("y = Clip(s, 0, 0.3)"))],
    ["that lifts all of them", three(softmax, line("y = Clip(s, 0.9, 1)"))],
    ["of sigmoids", three(line("s = Sigmoid(z)"), line("y = Clip(s, 0.05, 0.9)"))],
    ["of each score", three(line("y = HardSigmoid(z)"))],
  ])("a clip %s answers as the file does, with gradients from before it", async (_, file) => {
    const z = rows.concat([
      [40, 41, 42],
      [-41, -40, -42],
    ]);
    const { decisions, slopes } = attacked(file, z);
    expect(decisions).toEqual((await plainly(file, z)).map(largest));
    for (const [first, second] of slopes)
      expect([Math.sign(first), Math.sign(second)]).toEqual([1, -1]);
  });

  it.each([
    ["[1 − p, p]", ["q = Sub(1, p)", "y = Concat(q, p)"], 1],
    ["[p, 1 − p]", ["q = Sub(1, p)", "y = Concat(p, q)"], -1],
    ["[−p + 1, p]", ["n = Neg(p)", "q = Add(n, 1)", "y = Concat(q, p)"], 1],
  ] as const)("%s is one score", async (_, lines, sign) => {
    const nodes = ["p = Sigmoid(z)", ...lines].map((text) =>
      line(text, /Concat/.exec(text) === null ? {} : axis(1)),
    );
    const file = one(...nodes);
    const { network, decisions, logits } = attacked(file, column);
    expect(network.removed).toEqual(["[1 − p, p]", "Sigmoid"]);
    expect(decisions).toEqual((await plainly(file, column)).map(largest));
    logits.forEach(([a, b], i) => {
      expect(b - a).toBeCloseTo(sign * column[i][0], 5);
    });
  });
});

describe("a linear classifier of scikit-learn", () => {
  const classifier = (after: string, coefficients: readonly number[], normalizer?: string) => {
    const end = normalizer === undefined ? "y" : "p";
    const scores = coefficients.length / 3;
    const node = line(
      `l,${end} = LinearClassifier(z)`,
      {
        coefficients: { floats: coefficients },
        intercepts: { floats: Array.from({ length: scores }, () => 0) },
        classlabels_ints: { ints: scores === 3 ? [0, 1, 2] : [0, 1] },
        post_transform: { string: after },
      },
      "ai.onnx.ml",
    );
    if (normalizer === undefined) return three(node);
    return three(node, line("y = Normalizer(p)", { norm: { string: normalizer } }, "ai.onnx.ml"));
  };
  const unit = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const known = ["Softmax", "Sigmoid"];

  it.each([
    ["SOFTMAX", "L1"],
    ["SOFTMAX", "L2"],
    ["SOFTMAX", "MAX"],
    ["LOGISTIC", "L1"],
    ["LOGISTIC", undefined],
    ["SOFTMAX", undefined],
  ])("with %s and the normaliser %s is attacked by its scores", async (after, normalizer) => {
    const file = classifier(after, unit, normalizer);
    const { network, logits, decisions } = attacked(file, rows);
    expect(known).toContain(network.removed.at(-1));
    logits.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(value).toBeCloseTo(rows[i][j], 5);
      });
    });
    expect(decisions).toEqual((await plainly(file, rows)).map(largest));
  });

  it.each([
    ["NONE", "MAX"],
    ["NONE", "L1"],
    ["NONE", "L2"],
    ["SOFTMAX_ZERO", undefined],
    ["PROBIT", undefined],
  ])("with %s and the normaliser %s answers as ONNX Runtime does", async (after, normalizer) => {
    const z =
      after === "PROBIT"
        ? [
            [0.2, 0.3, 0.9],
            [0.6, 0.55, 0.01],
          ]
        : rows.concat([[0, -1, -2]]);
    const file = classifier(after, unit, normalizer);
    expect(attacked(file, z).decisions).toEqual((await plainly(file, z)).map(largest));
  });

  it.each(["NONE", "LOGISTIC", "SOFTMAX"])("of one score and %s has two classes", async (after) => {
    const file = classifier(after, [1, 1, 0.2]);
    const { network, decisions } = attacked(file, rows);
    expect(network.removed).toEqual(after === "LOGISTIC" ? ["[1 − p, p]", "Sigmoid"] : []);
    expect(decisions).toEqual((await plainly(file, rows)).map(largest));
  });
});

describe("probabilities that have no logits of their own", () => {
  /** Two softmaxes, of the first and of the last two of four scores. */
  const two = [
    line("a = Slice(z, i0, i2, i1)"),
    line("b = Slice(z, i2, i4, i1)"),
    line("p = Softmax(a)", axis(1)),
    line("q = Softmax(b)", axis(1)),
  ];
  const more = { i4: { dtype: "int64", shape: [1], data: BigInt64Array.of(4n) } } as const;
  const mixtures: readonly (readonly [string, HeadFile["nodes"]])[] = [
    ["their mean", [line("c = Add(p, q)"), line("y = Mul(c, 0.5)")]],
    ["their mean by Mean", [line("y = Mean(p, q)")]],
    [
      "their weighted mean",
      [line("v = Mul(p, 0.9)"), line("w = Mul(q, 0.05)"), line("y = Add(v, w)")],
    ],
    ["their product", [line("y = Mul(p, q)")]],
    [
      "their product, normalised",
      [line("c = Mul(p, q)"), line("t = ReduceSum(c, i1)"), line("y = Div(c, t)")],
    ],
    [
      "the mean of a stack",
      [
        line("u = Unsqueeze(p, i1)"),
        line("v = Unsqueeze(q, i1)"),
        line("c = Concat(u, v)", axis(1)),
        line("y = ReduceMean(c)", { axes: { ints: [1] }, keepdims: { int: 0 } }),
      ],
    ],
    [
      "the clipped mean",
      [line("c = Add(p, q)"), line("m = Mul(c, 0.5)"), line("y = Clip(m, 1e-7, 1-1e-7)")],
    ],
    [
      "the logarithm of the mean",
      [line("c = Add(p, q)"), line("m = Mul(c, 0.5)"), line("y = Log(m)")],
    ],
  ];

  it.each(mixtures)("%s: attacks see its logarithm, which does not saturate", async (_, nodes) => {
    const file: HeadFile = { count: 4, nodes: two.concat(nodes), more };
    const z = [
      [1, 2, 0, -1],
      [2, 1, 1, 1.5],
      [300, -300, 310, -305],
      [0.3, 0.1, -5, 4],
    ];
    const { network, decisions, slopes } = attacked(file, z);
    expect(network.head.join()).toContain("logarithms of the probabilities");
    expect(decisions).toEqual((await plainly(file, z)).map(largest));
    for (const row of slopes) expect(row.some((slope) => Math.abs(slope) > 1e-2)).toBe(true);
  });

  it("positive scores that are normalised are decided by themselves", async () => {
    const file = three(line("r = Abs(z)"), line("t = ReduceSum(r, i1)"), line("y = Div(r, t)"));
    const { network, logits, decisions } = attacked(file, rows);
    expect(network.removed).toEqual(["Normalizer"]);
    expect(decisions).toEqual((await plainly(file, rows)).map(largest));
    logits.forEach((row, i) => {
      expect(row[1]).toBeCloseTo(Math.log(Math.abs(rows[i][1])), 5);
    });
  });
});
