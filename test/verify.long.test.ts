// rampart verify, on a small file: |x₀| + |x₁| as relus, whose bounds over a box are known.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeProto } from "onnx-buf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../src/cli/kit/program.ts";
import { rampart } from "../src/cli/main.ts";
import { type DType, tensor } from "../src/math/tensor.ts";
import { nodeOf, onnxFile } from "./fixtures/model-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-verify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** Y_0 ≥ `bound` for X in [−1, 2] × [−1, 1], where Y_0 = |X_0| + |X_1| has the maximum 3. */
const text = (bound: number): string => `
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (<= -1 X_0 2)) (assert (<= -1 X_1 1))
(assert (>= Y_0 ${bound}))`;

beforeAll(() => {
  const options = {
    inputs: { x: [1, 2] },
    outputs: { y: [1, 2] },
    arrays: {
      w: tensor([2, 4], [1, -1, 0, 0, 0, 0, 1, -1]),
      v: tensor([4, 2], [1, 0, 1, 0, 1, 0, 1, 1]),
    },
  };
  const nodes = [
    nodeOf("MatMul", ["x", "w"], ["h"]),
    nodeOf("Relu", ["h"], ["r"]),
    nodeOf("MatMul", ["r", "v"], ["y"]),
  ];
  writeFileSync(at("net.onnx"), onnxFile(nodes, options));
  for (const op of ["Softmax", "LogSoftmax"])
    writeFileSync(
      at(`${op.toLowerCase()}.onnx`),
      onnxFile([nodeOf("MatMul", ["x", "w"], ["h"]), nodeOf(op, ["h"], ["y"], {})], {
        inputs: { x: [1, 2] },
        outputs: { y: [1, 4] },
        arrays: { w: options.arrays.w },
      }),
    );
  writeFileSync(at("holds.vnnlib"), text(3.0001));
  writeFileSync(at("fails.vnnlib"), text(2.9));
  writeFileSync(at("touches.vnnlib"), text(3));
});

async function verify(...words: string[]) {
  let [out, err] = ["", ""];
  const io = {
    stdout: { write: (part: string) => (out += part) },
    stderr: { write: (part: string) => (err += part) },
  };
  const code = await run(rampart, ["verify", ...words], io);
  return { code, out, err };
}

describe("rampart verify", () => {
  it("proves what holds, and says how", async () => {
    const { code, out, err } = await verify(at("net.onnx"), at("holds.vnnlib"), "--no-attack");
    expect([code, out]).toEqual([0, "unsat\n"]);
    expect(err).toContain("proven by crown-ibp");
  });

  it("finds the counterexample of what fails, and writes it", async () => {
    const words = [at("net.onnx"), at("fails.vnnlib"), "--seconds", "600", "--out", at("out.txt")];
    expect(await verify(...words)).toMatchObject({ code: 0, out: "sat\n" });
    expect(readFileSync(at("out.txt"), "utf8")).toMatch(/^sat\n\(\(X_0 /);
  });

  it("does not prove what fails on the edge of the box, whatever the attack finds", async () => {
    const { out } = await verify(at("net.onnx"), at("touches.vnnlib"), "--no-attack", "--json");
    const result = JSON.parse(out.trim().split("\n").at(-1) as string);
    expect(result).toMatchObject({ result: "unknown", open: 1 });
    expect(result.gap).toBeLessThanOrEqual(0);
    expect(result.gap).toBeGreaterThan(-1e-6);
  });

  it("keeps to the methods that it may use", async () => {
    const words = [at("net.onnx"), at("touches.vnnlib"), "--no-attack", "--up-to", "crown-ibp"];
    expect(await verify(...words)).toMatchObject({ code: 0, out: "unknown\n" });
  });

  // The scores of softmax.onnx are x₀, −x₀, 0 and 0.
  const scores = (box: string, ...conditions: string[]) =>
    `(declare-const X_0 Real) (declare-const X_1 Real) ${[0, 1, 2, 3].map((j) => `(declare-const Y_${j} Real)`).join(" ")}
(assert (<= ${box})) (assert (<= -1 X_1 1)) ${conditions.map((one) => `(assert ${one})`).join(" ")}`;

  it("names the operator and the node that it cannot bound", async () => {
    writeFileSync(at("four.vnnlib"), scores("-1 X_0 2", "(>= Y_0 2)"));
    const { code, err } = await verify(at("logsoftmax.onnx"), at("four.vnnlib"), "--no-attack");
    expect(code).toBe(2);
    expect(err).toContain("operator LogSoftmax of shape [1, 4]");
  });

  it("proves how large a probability is at most", async () => {
    writeFileSync(at("four.vnnlib"), scores("0.1 X_0 0.2", "(>= Y_0 0.4)"));
    const { code, out } = await verify(at("softmax.onnx"), at("four.vnnlib"), "--no-attack");
    expect([code, out]).toEqual([0, "unsat\n"]);
  });

  it.each([
    ["the order of outputs behind a Softmax", "0.1 X_0 2", "(>= Y_1 Y_0)", "unsat"],
    [
      "alternatives of orders",
      "0.1 X_0 2",
      "(or (>= Y_1 Y_0) (and (< (* 2 Y_0) (* 2 Y_1))))",
      "unsat",
    ],
    ["no order that ties", "0 X_0 2", "(>= Y_1 Y_0)", "unknown"],
    ["no order that is turned round", "0.1 X_0 2", "(<= Y_1 Y_0)", "unknown"],
  ])("proves %s", async (_, box, condition, verdict) => {
    writeFileSync(at("order.vnnlib"), scores(box, condition));
    const { code, out, err } = await verify(at("softmax.onnx"), at("order.vnnlib"), "--no-attack");
    expect([code, out]).toEqual([0, `${verdict}\n`]);
    expect(err).toContain("Softmax at the end of the network keeps the order of the outputs");
  });

  it.each([
    ["an offset", "(<= (+ Y_0 0.1) Y_1)"],
    ["a number", "(<= Y_0 0.3)"],
    ["factors that differ below the digits of doubles", "(<= (* 1.00000000000000000001 Y_0) Y_1)"],
    ["factors that differ below all doubles", "(<= (* (+ 1 1e-400) Y_0) Y_1)"],
    ["three outputs", "(<= (+ Y_0 Y_2) (* 2 Y_1))"],
    ["a comparison beside a number", "(or (<= Y_0 Y_1) (<= Y_0 0.001))"],
  ])("keeps a Softmax for a property with %s, and bounds it", async (_, condition) => {
    writeFileSync(at("order.vnnlib"), scores("0.1 X_0 2", condition));
    const { code, out, err } = await verify(at("softmax.onnx"), at("order.vnnlib"), "--no-attack");
    expect([code, out]).toEqual([0, "unknown\n"]);
    expect(err).not.toContain("keeps the order of the outputs");
    expect(err).toMatch(/the bound falls short by 0\.\d/);
  });

  describe("of a file of integers, is about the numbers of the file", () => {
    const integers = (name: string, dtype: DType, nodes: NodeProto[], inputs = 1) =>
      writeFileSync(
        at(name),
        onnxFile(nodes, {
          inputs: { x: [1, inputs] },
          inputTypes: { x: dtype },
          outputs: { y: [1, 1] },
          arrays: { w: tensor([1, 1], [1]), half: tensor([1], [0.5]) },
        }),
      );
    const cast = (to: number, from = "x", result = "c") =>
      nodeOf("Cast", [from], [result], { to: { int: to } });
    const about = (box: string, condition: string) =>
      `(declare-const X_0 Real) (declare-const Y_0 Real) (assert (<= ${box})) (assert ${condition})`;
    const verdict = async (box: string, condition: string, ...words: string[]) => {
      writeFileSync(at("one.vnnlib"), about(box, condition));
      const { out } = await verify(at("whole.onnx"), at("one.vnnlib"), "--json", ...words);
      return JSON.parse(out.trim().split("\n").at(-1) as string);
    };

    it.each<DType>(["uint8", "int32", "int64"])("%s", async (dtype) => {
      integers("whole.onnx", dtype, [cast(1), nodeOf("MatMul", ["c", "w"], ["y"])]);
      const found = await verdict("100 X_0 200", "(<= Y_0 150)");
      expect(found).toMatchObject({ result: "sat" });
      const [x] = found.x;
      expect(x).toBe(Math.round(x));
      expect(x).toBeGreaterThanOrEqual(100);
      expect(x).toBeLessThanOrEqual(150);
      expect(found.y).toEqual(found.x);
      const words = ["--no-attack"];
      expect(await verdict("100 X_0 200", "(<= Y_0 150)", ...words)).toMatchObject({
        result: "unknown",
      });
      expect(await verdict("100 X_0 200", "(<= Y_0 99.5)", ...words)).toMatchObject({
        result: "unsat",
      });
      expect(await verdict("100 X_0 200", "(>= Y_0 200.5)", ...words)).toMatchObject({
        result: "unsat",
      });
    });

    it("and moves them before a cast", async () => {
      const reshape = nodeOf("Transpose", ["x"], ["t"], { perm: { ints: [1, 0] } });
      integers("whole.onnx", "uint8", [reshape, cast(1, "t"), nodeOf("Mul", ["c", "half"], ["y"])]);
      const found = await verdict("100 X_0 200", "(>= Y_0 100.1)", "--no-attack");
      expect(found).toMatchObject({ result: "unsat" });
    });

    it("and refuses arithmetic of integers, which rounds", async () => {
      const mean = nodeOf("ReduceMean", ["x"], ["m"], { axes: { ints: [1] } });
      integers("whole.onnx", "int32", [mean, cast(1, "m", "y")]);
      writeFileSync(at("one.vnnlib"), about("0 X_0 1", "(>= Y_0 2)"));
      const { code, err } = await verify(at("whole.onnx"), at("one.vnnlib"), "--no-attack");
      expect(code).toBe(2);
      expect(err).toMatch(/from node "ReduceMean of m".*computes integers/s);
    });

    it("and computes with integers as the file does, before it prints sat", async () => {
      const mean = nodeOf("ReduceMean", ["x"], ["m"], { axes: { ints: [1] } });
      integers("two.onnx", "int32", [mean, cast(1, "m", "y")], 2);
      const text = `(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
        (assert (<= 4 X_0 5)) (assert (<= 4 X_1 5)) (assert (<= 4.4 Y_0 4.6))`;
      writeFileSync(at("two.vnnlib"), text);
      let out = "";
      const io = {
        stdout: { write: (part: string) => (out += part) },
        stderr: { write: () => undefined },
      };
      await run(rampart, ["falsify", at("two.onnx"), at("two.vnnlib"), "--seconds", "1"], io);
      expect(out).toBe("unknown\n");
    });

    it("and says where a box holds none", async () => {
      integers("whole.onnx", "uint8", [cast(1), nodeOf("MatMul", ["c", "w"], ["y"])]);
      writeFileSync(at("one.vnnlib"), about("0.1 X_0 0.9", "(<= Y_0 2)"));
      let err = "";
      const io = {
        stdout: { write: () => undefined },
        stderr: { write: (part: string) => (err += part) },
      };
      await run(rampart, ["falsify", at("whole.onnx"), at("one.vnnlib")], io);
      expect(err).toContain("no whole number lies in [0.1, 0.9], the bounds of X_0");
    });
  });
});
