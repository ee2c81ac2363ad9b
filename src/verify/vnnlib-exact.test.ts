// What a proof reads from a text, against rational arithmetic: nothing that the text admits may be lost.
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  compare,
  minus,
  over,
  plus,
  type Rational,
  rational,
  times,
} from "../../test/fixtures/rational.ts";
import { Crown } from "../engine/bounds/crown.ts";
import * as g from "../engine/graph/expressions.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { tensor } from "../math/tensor.ts";
import type { Property } from "./property.ts";
import { type ProofEvent, prove, regionOf, slackOf } from "./prove.ts";
import { parseVnnlib } from "./vnnlib.ts";

const parse = (assertions: string): Property =>
  parseVnnlib(
    `(declare-const X_0 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)\n${assertions}`,
  );

/** A decimal text as a fraction. */
function fraction(decimal: string): Rational {
  const [digits, exponent = "0"] = decimal.split("e");
  const [whole, after = ""] = digits.split(".");
  const n = { n: BigInt(whole + after), d: 10n ** BigInt(after.length) };
  const power = { n: 10n ** BigInt(Math.abs(Number(exponent))), d: 1n };
  return Number(exponent) < 0 ? over(n, power) : times(n, power);
}

/** The values of a box that a proof is about. */
const boxOf = ({ cases: [one] }: Property) => {
  const { lower, upper } = regionOf(one);
  return [lower[0], upper[0]];
};

describe("the box of a proof", () => {
  it.each([
    ["(<= (* 3 X_0) 0.3) (>= X_0 0.1)", "0.1"],
    ["(<= 0.3 (* 3 X_0)) (<= X_0 0.1)", "0.1"],
    ["(<= (+ X_0 0.1 0.2) 0.3) (>= X_0 0)", "0"],
    ["(>= (- X_0 0.1 0.2) (- 0.3)) (<= X_0 0)", "0"],
    ["(<= (/ X_0 3) (/ 1 30)) (>= X_0 0.1)", "0.1"],
    ["(<= (* (- 7) X_0) (- 0.7)) (<= X_0 0.1)", "0.1"],
    ["(<= (+ (* 1e20 X_0) 1e30) (+ 1e30 1)) (>= X_0 1e-20)", "1e-20"],
    ["(<= (* 1e-200 X_0) 1e-210) (>= (* 1e-210 X_0) 1e-220)", "1e-10"],
    ["(<= X_0 1e-400) (>= X_0 1e-400)", "1e-400"],
    ["(<= (- 1e-400) X_0 (- 1e-400))", "-1e-400"],
    ["(<= 1 X_0) (<= X_0 1.00000000000000000000001) (< 1 X_0)", "1.000000000000000000000001"],
    ["(> X_0 0.5) (< X_0 0.50000000000000000001)", "0.500000000000000000001"],
    ["(or (<= X_0 -1) (<= (* 3 X_0) 0.3)) (>= X_0 0.1)", "0.1"],
  ])("of %s holds the point %s", (conditions, point) => {
    const property = parse(
      conditions
        .split(/(?<=\)) (?=\()/)
        .reduce<string[]>((parts, part) => {
          const last = parts.at(-1);
          const depth = (text: string) => text.split("(").length - text.split(")").length;
          if (last !== undefined && depth(last) > 0) parts[parts.length - 1] = `${last} ${part}`;
          else parts.push(part);
          return parts;
        }, [])
        .map((condition) => `(assert ${condition})`)
        .join("\n"),
    );
    expect(property.cases).toHaveLength(1);
    const [low, high] = boxOf(property);
    expect(compare(rational(low), fraction(point))).toBeLessThanOrEqual(0);
    expect(compare(fraction(point), rational(high))).toBeLessThanOrEqual(0);
  });

  it.each([
    ["(assert (< 0.5 X_0 0.5))"],
    ["(assert (<= 0.1 X_0))(assert (< (* 3 X_0) 0.3))"],
    ["(assert (<= 1.00000000000000000000001 X_0 1))"],
    ["(assert (<= 0 X_0 1))(assert (or (< X_0 0) (> X_0 1)))"],
    ["(assert (<= 0 X_0 1))(assert (<= (* (+ 0.1 0.2 (- 0.3)) Y_0) (- 1e-400)))"],
  ])("is left out if it is empty: %s", (text) => {
    expect(parse(text).cases).toEqual([]);
  });

  it("keeps conditions whose outputs cancel exactly, and drops those that hold always", () => {
    const { cases } = parse(
      "(assert (<= 0 X_0 1))(assert (<= (+ Y_0 1e20 (- Y_1 Y_1)) (+ 1e20 5)))(assert (<= (- Y_0 Y_0) 0))",
    );
    expect(cases[0].conditions).toMatchObject([{ coefficients: Float64Array.of(1, 0), bound: 5 }]);
  });
});

const decimals = fc
  .tuple(fc.integer({ min: -999, max: 999 }), fc.constantFrom(-25, -18, -3, -2, -1, 0, 1, 20))
  .map(([digits, exponent]) => `${digits}e${exponent}`);
const written = (decimal: string) =>
  decimal.startsWith("-") ? `(- ${decimal.slice(1)})` : decimal;

/** c₀·Y_0 + c₁·Y_1 + c₂ as a text, and the coefficients. */
interface Affine {
  readonly text: string;
  readonly c: readonly Rational[];
}
const zero = rational(0);
const join = (a: Affine, b: Affine, f: (x: Rational, y: Rational) => Rational) =>
  a.c.map((x, i) => f(x, b.c[i]));
const { affine } = fc.letrec<{ affine: Affine }>((tie) => ({
  affine: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Affine>(
      { text: "Y_0", c: [rational(1), zero, zero] },
      { text: "Y_1", c: [zero, rational(1), zero] },
    ),
    decimals.map((d): Affine => ({ text: written(d), c: [zero, zero, fraction(d)] })),
    fc
      .tuple(tie("affine"), tie("affine"))
      .map(([a, b]): Affine => ({ text: `(+ ${a.text} ${b.text})`, c: join(a, b, plus) })),
    fc
      .tuple(tie("affine"), tie("affine"))
      .map(([a, b]): Affine => ({ text: `(- ${a.text} ${b.text})`, c: join(a, b, minus) })),
    fc.tuple(decimals, tie("affine")).map(([d, a]): Affine => {
      const factor = fraction(d);
      return { text: `(* ${written(d)} ${a.text})`, c: a.c.map((x) => times(x, factor)) };
    }),
    fc
      .tuple(
        decimals.filter((d) => !d.startsWith("0")),
        tie("affine"),
      )
      .map(([d, a]): Affine => {
        const divisor = fraction(d);
        return { text: `(/ ${a.text} ${written(d)})`, c: a.c.map((x) => over(x, divisor)) };
      }),
  ),
}));

describe("a condition of a proof", () => {
  const check = (text: string, c: readonly Rational[], y: readonly number[], strict: boolean) => {
    const { cases } = parse(`(assert (<= 0 X_0 1))(assert (${strict ? "<" : "<="} ${text} 0))`);
    const exact = plus(plus(times(c[0], rational(y[0])), times(c[1], rational(y[1]))), c[2]);
    const sign = compare(exact, zero);
    const holds = strict ? sign < 0 : sign <= 0;
    if (!holds) return;
    // A condition that holds is never taken as one that holds nowhere.
    expect(cases).toHaveLength(1);
    for (const condition of cases[0].conditions) {
      const { coefficients, bound } = condition;
      const read = minus(
        plus(
          times(rational(coefficients[0]), rational(y[0])),
          times(rational(coefficients[1]), rational(y[1])),
        ),
        rational(bound),
      );
      const slack = slackOf(condition, Float64Array.from(y, Math.abs));
      expect(compare(read, rational(slack))).toBeLessThanOrEqual(0);
    }
  };

  it("that holds at a point holds there as it was read, but for its slack", () => {
    const outputs = fc.double({ min: -1e3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(affine, outputs, outputs, fc.boolean(), ({ text, c }, a, b, strict) => {
        check(text, c, [a, b], strict);
        // A point where the condition holds with equality, up to the rounding of this point.
        if (compare(c[0], zero) === 0) return;
        const root = over(minus(minus(zero, c[2]), times(c[1], rational(b))), c[0]);
        const near = Number((root.n * 2n ** 200n) / root.d) / 2 ** 200;
        if (Number.isFinite(near))
          for (const y of [near, near * (1 + 2 ** -52), near * (1 - 2 ** -52)])
            check(text, c, [y, b], strict);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ["(* 1e-400 (- Y_0 Y_1))", ["1e-400", "-1e-400", "0"], [2, 2]],
    ["(- (* 1e-400 Y_0) 1e-400)", ["1e-400", "0", "-1e-400"], [1, 7]],
    ["(- (+ (* 1e-400 Y_0) Y_1) 1e-400)", ["1e-400", "1", "-1e-400"], [1, 0]],
    ["(- Y_0 1e-400)", ["1", "0", "-1e-400"], [0, 0]],
    ["(+ Y_0 1e-400)", ["1", "0", "1e-400"], [-5e-324, 0]],
  ])("has numbers below all doubles: %s ≤ 0", (text, c, y) => {
    check(text, c.map(fraction), y, false);
    check(text, c.map(fraction), y, true);
  });

  it("is refused where its bound has no double beside its coefficients", () => {
    expect(() => parse("(assert (<= 0 X_0 1))(assert (<= (* 1e-400 Y_0) 1))")).toThrow(
      /a bound of Y_0 lies beyond the range of doubles/,
    );
    expect(() => parse("(assert (<= 0 X_0 1))(assert (<= Y_0 1e-9999))")).toThrow(
      /1e-9999 has more than 5000 digits, or an exponent beyond ±5000; round it/,
    );
  });

  it("is refused with more digits than can be computed with", () => {
    const many = `(* ${Array(30).fill("1.000000001e250 1e-250").join(" ")} ${Array(600).fill("0.123456789").join(" ")})`;
    expect(() => parse(`(assert (<= 0 X_0 1))(assert (<= (* Y_0 ${many}) 0))`)).toThrow(
      /a number takes more than 5000 digits to write exactly; round it/,
    );
  });
});

describe("a proof about exact numbers", () => {
  const x = g.input("x", [1, 1]);
  const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
  const crown = new Crown(
    async (outputs) => (await runtime).compile(outputs),
    x,
    g.matmul(x, g.constant(tensor([1, 2], [1, 2]))),
  );
  afterAll(() => crown.release());

  it.each([
    // The outputs are x and 2x, so that each text has a counterexample in real arithmetic.
    ["(assert (<= (* 3 X_0) 0.3))(assert (>= X_0 0.1))(assert (<= Y_0 0.1))"],
    ["(assert (<= 0 X_0 1))(assert (<= Y_0 (- Y_1 1)))"],
    ["(assert (<= 0.1 X_0 0.1))(assert (<= (+ Y_0 0.2) 0.3))"],
    ["(assert (<= 0.1 X_0 0.1))(assert (<= (+ Y_1 0.1) 0.3))(assert (>= (* 3 Y_0) 0.3))"],
    ["(assert (<= 0 X_0 1e-400))(assert (< (- Y_0) (- 1e-401)))"],
    ["(assert (< 0 X_0 1e-400))(assert (< Y_0 1e-400))"],
  ])("finds no proof against the counterexample of %s", async (text) => {
    let last: ProofEvent | undefined;
    const now = () => performance.now() / 1000;
    const options = { seconds: 5, now, upTo: "crown" } as const;
    for await (const event of prove(crown, parse(text), options)) last = event;
    expect(last?.event).toBe("unknown");
  });
});
