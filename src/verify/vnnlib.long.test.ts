import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../math/usage-error.ts";
import { excessOf, type Property } from "./property.ts";
import { parseVnnlib } from "./vnnlib.ts";

const header = (inputs: number, outputs: number): string =>
  [
    ...Array.from({ length: inputs }, (_, i) => `(declare-const X_${i} Real)`),
    ...Array.from({ length: outputs }, (_, j) => `(declare-const Y_${j} Real)`),
  ].join("\n");

const unitBox = "(assert (<= X_0 1))\n(assert (>= X_0 0))\n";
const one = `${header(1, 2)}\n${unitBox}`;

/** Whether a point and its outputs are a counterexample, by the parsed cases. */
const holds = ({ cases }: Property, x: readonly number[], y: readonly number[]): boolean =>
  cases.some(
    ({ lower, upper, conditions }) =>
      x.every((value, i) => lower[i] <= value && value <= upper[i]) && excessOf(conditions, y) <= 0,
  );

describe("parseVnnlib", () => {
  it("reads bounds and a disjunction over outputs as cases that share one box", () => {
    const { inputs, outputs, cases } = parseVnnlib(`
; a comment with (parentheses
(set-logic QF_LRA) (set-info :source "a text with ) and ;")
${header(2, 3)}
(assert (<= X_0 0.5)) (assert (>= X_0 -1e-1)) ; two on one line
(assert (and (<= 2.5E-3 X_1) (<= X_1 (- 3 2))))
(assert (or (and (>= Y_0 Y_2)) (and (<= (+ (* 2 Y_1) 1 (- Y_2)) 3.5) (>= Y_0 (- 7)))))
(check-sat)`);
    expect([inputs, outputs, cases.length]).toEqual([2, 3, 2]);
    expect([...cases[0].lower, ...cases[0].upper]).toEqual([-0.1, 0.0025, 0.5, 1]);
    expect(cases[1].lower).toBe(cases[0].lower);
    expect(
      cases.map(({ conditions }) => conditions.map((c) => [...c.coefficients, c.bound])),
    ).toEqual([
      [[-1, 0, 1, 0]],
      [
        [0, 2, -1, 2.5],
        [-1, 0, 0, 7],
      ],
    ]);
  });

  it("intersects boxes inside a disjunction with those outside of it", () => {
    const { cases } = parseVnnlib(`${one}
(assert (or (and (<= X_0 0.5) (<= Y_0 0)) (and (>= X_0 0.25) (<= X_0 3) (<= Y_1 0)) (>= X_0 2)))`);
    expect(cases.map(({ lower, upper }) => [lower[0], upper[0]])).toEqual([
      [0, 0.5],
      [0.25, 1],
    ]);
  });

  it("takes a strict bound as the neighbouring double", () => {
    const { cases } = parseVnnlib(`${one}(assert (< X_0 0.5)) (assert (> X_0 0.25 0.125))
(assert (< Y_0 0))`);
    const [{ lower, upper, conditions }] = cases;
    expect(upper[0]).toBe(0.5 - 2 ** -54);
    expect(lower[0]).toBe(0.25 + 2 ** -54);
    expect(excessOf(conditions, [0, 0])).toBeGreaterThan(0);
    expect(excessOf(conditions, [-5e-324, 0])).toBe(0);
  });

  it("agrees with direct evaluation for any nesting", () => {
    type Formula = { text: string; value: (v: readonly number[]) => boolean };
    type Term = { text: string; value: (v: readonly number[]) => number };
    const eighths = fc.integer({ min: -16, max: 16 }).map((n) => n / 8);
    const literal = eighths.map(
      (n): Term => ({
        text: n < 0 ? `(- ${-n})` : n.toExponential(),
        value: () => n,
      }),
    );
    const names = ["X_0", "X_1", "Y_0", "Y_1"];
    const variable = (i: number): Term => ({ text: names[i], value: (v) => v[i] });
    const output = fc.constantFrom(variable(2), variable(3));
    const { term } = fc.letrec<{ term: Term }>((tie) => ({
      term: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        output,
        literal,
        fc.tuple(fc.constantFrom("+", "-"), tie("term"), tie("term")).map(
          ([op, a, b]): Term => ({
            text: `(${op} ${a.text} ${b.text})`,
            value: (v) => (op === "+" ? a.value(v) + b.value(v) : a.value(v) - b.value(v)),
          }),
        ),
        fc.tuple(literal, tie("term")).map(
          ([a, b]): Term => ({
            text: `(* ${a.text} ${b.text})`,
            value: (v) => a.value(v) * b.value(v),
          }),
        ),
        tie("term").map((a): Term => ({ text: `(- ${a.text})`, value: (v) => -a.value(v) })),
      ),
    }));
    const compare = {
      "<=": (a: number, b: number) => a <= b,
      "<": (a: number, b: number) => a < b,
      ">=": (a: number, b: number) => a >= b,
      ">": (a: number, b: number) => a > b,
    };
    const bounded = fc.constantFrom(0, 1).chain((i) => fc.tuple(fc.constant(variable(i)), literal));
    const swapped = bounded.map(([a, b]): [Term, Term] => [b, a]);
    const atom = fc
      .tuple(
        fc.constantFrom(...(Object.keys(compare) as (keyof typeof compare)[])),
        fc.oneof(bounded, swapped, fc.tuple(term, term)),
      )
      .map(
        ([op, [a, b]]): Formula => ({
          text: `(${op} ${a.text} ${b.text})`,
          value: (v) => compare[op](a.value(v), b.value(v)),
        }),
      );
    const { formula } = fc.letrec<{ formula: Formula }>((tie) => ({
      formula: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        atom,
        fc
          .tuple(
            fc.constantFrom("and", "or"),
            fc.array(tie("formula"), { minLength: 1, maxLength: 3 }),
          )
          .map(
            ([op, parts]): Formula => ({
              text: `(${op}\n ${parts.map(({ text }) => text).join("\n ")})`,
              value: (v) =>
                op === "and" ? parts.every((p) => p.value(v)) : parts.some((p) => p.value(v)),
            }),
          ),
      ),
    }));
    const bounds = `(assert (and (<= X_0 2) (>= X_0 -2) (<= X_1 2) (>= X_1 -2)))`;
    const points = fc.array(fc.tuple(eighths, eighths, eighths, eighths), { minLength: 30 });
    fc.assert(
      fc.property(
        fc.array(formula, { minLength: 1, maxLength: 3 }),
        fc.nat(3),
        points,
        (asserted, place, points) => {
          const lines = asserted.map(({ text }) => `(assert ${text})`);
          lines.splice(place, 0, bounds);
          const property = parseVnnlib(`${header(2, 2)}\n${lines.join("\n")}`);
          for (const point of points)
            expect(holds(property, point.slice(0, 2), point.slice(2))).toBe(
              asserted.every(({ value }) => value(point)),
            );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("reads 3072 inputs and nine classes in a fraction of a second", () => {
    const bounds = Array.from(
      { length: 3072 },
      (_, i) => `(assert (<= X_${i} 1.8010209798812866))\n(assert (>= X_${i} 0.74105811119079))`,
    );
    const box = bounds.map((line) => line.replaceAll(/\(assert (\(.*?\))\)/g, "$1")).join(" ");
    const outputs = Array.from({ length: 9 }, (_, j) => `(and ${box} (>= Y_${j} Y_9))`);
    const start = process.cpuUsage(); // other processes do not count
    const plain = parseVnnlib(`${header(3072, 10)}\n${bounds.join("\n")}`);
    const repeated = parseVnnlib(`${header(3072, 10)}\n(assert (or ${outputs.join("\n")}))`);
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2); // some 0.5 s on an idle core
    expect([plain.cases.length, repeated.cases.length]).toEqual([1, 9]);
    expect(repeated.cases[8].upper[3071]).toBe(1.8010209798812866);
  });
});

describe("a malformed text", () => {
  it.each([
    [`${one}(assert (<= Y_0 Y_1)`, /^p:6: a parenthesis is never closed/],
    [`${one}(assert (<= Y_0 1)))`, /^p:6: a parenthesis closes/],
    [`${one}(assert (<= Y_0 1)\n(assert (<= Y_1 1)))`, /^p:7: assert stands inside/],
    [`${one}(assert (<= Y_0\n Y_7))`, /^p:7: Y_7 is used and not declared/],
    [`${one}(assert (<= Y_0 zwölf))`, /^p:6: unknown word "zw\?lf"/],
    [`${one}(assert (=> Y_0 1))`, /^p:6: unknown word "=>"; known are and, or/],
    [`${one}(assert (<= (* Y_0 Y_1) 1))`, /^p:6: \* multiplies two variables/],
    [`${one}(assert (<= (/ 1 Y_1) 1))`, /^p:6: \/ divides by a variable/],
    [`${one}(assert (<= (/ Y_1 0) 1))`, /^p:6: \/ divides by zero/],
    [`${one}(assert (<= Y_0 1e999))`, /^p:6: 1e999 lies beyond/],
    [`${one}(assert (<= (* 1e200 1e200 Y_0) 1))`, /^p:6: Y_0 has a coefficient beyond/],
    [`${one}(assert (<= Y_0 (* 1e200 1e200)))`, /^p:6: \(\* …\) gives a number beyond/],
    [`${one}(assert (<= (* 1e200 (* 1e200 Y_0)) 1))`, /^p:6: Y_0 has a coefficient beyond/],
    [`${one}(assert (<= Y_0))`, /^p:6: \(<= …\) compares 1 terms/],
    [`${one}(assert (<= X_0 Y_0))`, /^p:6: a condition relates X_0 to Y_0/],
    [`${one}(assert (and))`, /^p:6: \(and\) is empty/],
    [`${one}(assert Y_0)`, /^p:6: "Y_0" stands where a condition is needed/],
    [`${one}(assert (or (+ 1 2)))`, /^p:6: a number stands where a condition is needed/],
    [`${one}(assert (<= 1 (<= 1 2)))`, /^p:6: a condition stands where a number is needed/],
    [`${one}(assert)`, /^p:6: assert takes one condition, got 0/],
    [`${one}(<= Y_0 1)`, /^p:6: \(<= …\) stands outside of an assert/],
    [`${one}(assert ((<= Y_0 1)))`, /^p:6: parentheses must begin with a word/],
    [`${one}Y_0`, /^p:6: "Y_0" stands outside of parentheses/],
    [`${one}\n\n(set-info "never closed)`, /^p:8: " opens a text/],
    [`${one}(declare-const Z_0 Real)`, /^p:6: "Z_0" is declared; inputs are/],
    [`${one}(declare-const Y_2 Int)`, /^p:6: Y_2 is declared as "Int"; write Real/],
    [`${one}(declare-const Y_1 Real)`, /^p:6: Y_1 is declared twice/],
    [`${one}(declare-const Y_2)`, /^p:6: declare-const takes a name and a sort/],
    [`${one}(declare-const Y_99999999 Real)`, /^p:6: Y_99999999 is declared, but Y_2 is not/],
    [`(declare-const X_0 Real)\n${unitBox}`, /^p:1: declares no Y_0/],
    ["", /^p:1: declares no X_0/],
    [header(2, 1), /^p:1: X_0 has no lower and no upper bound/],
    [`${header(2, 1)}${unitBox}\n(assert (>= X_1 0))`, /^p:2: X_1 has no upper bound/],
    [
      `${header(2, 1)}${unitBox}(assert (or (<= 0 X_1 1) (<= X_1 3)))`,
      /^p:2: X_1 has no lower bound/,
    ],
  ])("%j is refused with its line", (text, message) => {
    expect(() => parseVnnlib(text, "p")).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(() => parseVnnlib(text, "p")).toThrow(message);
  });

  it("may be nested deeply, up to a limit", () => {
    const nested = (depth: number) =>
      `${one}(assert (<= ${"(- ".repeat(depth)}Y_0${")".repeat(depth)} 3))`;
    expect([...parseVnnlib(nested(251)).cases[0].conditions[0].coefficients]).toEqual([-1, 0]);
    expect(() => parseVnnlib(nested(1e6))).toThrow(/nested more than 256 deep/);
    expect(() => parseVnnlib("(".repeat(1e6))).toThrow(UsageError);
    expect(() => parseVnnlib(`${one}(assert (<= ${"1".repeat(1e5)}x Y_0))`)).toThrow(UsageError);
  });

  it("is refused if it multiplies out to too many cases", () => {
    const either = "(or (<= Y_0 0) (<= Y_1 0))";
    const many = (count: number) => Array(count).fill(either);
    expect(parseVnnlib(`${one}(assert (and ${many(10).join(" ")}))`).cases).toHaveLength(1024);
    for (const text of [
      `${one}(assert (and ${many(64).join(" ")}))`,
      one +
        many(64)
          .map((f) => `(assert ${f})`)
          .join("\n"),
    ])
      expect(() => parseVnnlib(text)).toThrow(
        /alternatives multiply out to \S+ cases, more than 250000/,
      );
  });

  const either = "(or (<= Y_0 0) (<= Y_1 0))";
  const wide = (count: number) => `(or ${Array(count).fill("(<= Y_0 0)").join(" ")})`;
  it.each([
    [
      "much that nothing becomes of",
      `${one}(assert (or ${Array(2000)
        .fill(`(and (and ${Array(16).fill(either).join(" ")}) (< 1 0))`)
        .join(" ")}))`,
      /more than 16000000 conditions; split the property/,
    ],
    [
      "one condition after the other joined to many alternatives",
      `${one}(assert (and ${wide(1000)} ${Array(7000).fill("(<= Y_1 0)").join(" ")}))`,
      /more than 16000000 conditions; split the property/,
    ],
    [
      "one condition at each level joined to many alternatives",
      `${one}(assert ${"(and ".repeat(250)}${wide(30_000)}${" (<= Y_1 0))".repeat(250)})`,
      /conditions(, more than 8000000|); split the property/,
    ],
    [
      "many conditions that hold everywhere beside many alternatives",
      `${one}${"(assert (<= Y_1 0))".repeat(10_000)}(assert ${wide(10_000)})`,
      /its cases take more than 33554432 numbers; split the property/,
    ],
  ])("is refused before it is multiplied out: %s", (_, text, message) => {
    expect(() => parseVnnlib(text)).toThrow(message);
  });

  it("throws nothing but UsageError for any text", () => {
    const words =
      '( ) assert and or <= >= < > + - * / ; X_0 Y_0 Y_1 X_1 1 0 1e308 -5e-324 " | declare-const';
    const names = ["\n", "Real", "constructor", "__proto__", "toString"];
    const word = fc.constantFrom(...words.split(" "), ...names);
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(word, { maxLength: 60 }).map((words) => `${one}${words.join(" ")}`),
      fc.array(word, { maxLength: 60 }).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (text) => {
        try {
          parseVnnlib(text);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
