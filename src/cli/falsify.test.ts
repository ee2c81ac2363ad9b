import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tensor } from "../math/tensor.ts";
import type { DifferentiableNetwork } from "../verify/flat-network.ts";
import { falsifyCommandWith } from "./falsify.ts";
import { run } from "./kit/program.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-falsify-"));
  const text = (bound: string) => `
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
(assert (<= 0.1 X_0 0.5)) (assert (<= -1 X_1 2))
(assert (>= Y_0 ${bound}))`;
  writeFileSync(at("holds.vnnlib"), text("2.51"));
  writeFileSync(at("fails.vnnlib.gz"), gzipSync(text("2.49")));
  writeFileSync(at("broken.vnnlib"), text("(2"));
  writeFileSync(at("empty.vnnlib"), text("0").replace("0.1 X_0 0.5", "0.5 X_0 0.1"));
  writeFileSync(at("gap.vnnlib"), text("0").replace("0.1 X_0 0.5", "0.1 X_0 0.1"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

/** y = x₀ + x₁ over inputs of shape [1, 2], with an output of shape [1, 1]; counts what is still open. */
const opened = { networks: 0 };
const sum = ({ shape: [batch], data }: Tensor): Tensor =>
  tensor(
    [batch, 1, 1],
    Float32Array.from({ length: batch }, (_, i) => data[2 * i] + data[2 * i + 1]),
  );
const network: DifferentiableNetwork = {
  inputs: [{ name: "x", shape: [1, 2] }],
  async outputs(x) {
    expect(x.shape.slice(1)).toEqual([1, 2]);
    return sum(x);
  },
  async vectorJacobian(x, weights) {
    expect(weights.shape.slice(1)).toEqual([1, 1]);
    return {
      outputs: sum(x),
      gradient: tensor(
        x.shape,
        x.data.map((_, i) => weights.data[i >> 1]),
      ),
    };
  },
};

async function falsify(
  words: readonly string[],
  { signal, net = network }: { signal?: AbortSignal; net?: DifferentiableNetwork } = {},
) {
  const falsify = falsifyCommandWith(async () => {
    opened.networks++;
    return {
      ...net,
      async release() {
        opened.networks--;
      },
    };
  });
  const program = { name: "rampart", version: "0", summary: "", examples: [] };
  let [out, err] = ["", ""];
  const code = await run(
    { ...program, commands: { falsify: async () => falsify } },
    ["falsify", "net.onnx", ...words],
    {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      signal,
    },
  );
  expect(opened.networks).toBe(0);
  return { code, out, err };
}

describe("rampart falsify", () => {
  it("prints sat and a point of the box, and exits with 0", async () => {
    const { code, out } = await falsify([at("fails.vnnlib.gz")]);
    expect(code).toBe(0);
    expect(out).toMatch(/^sat\n\(\(X_0 0\.\d+\)\n \(X_1 [\d.]+\)\n \(Y_0 2\.[45]\d*\)\)\n$/);
    const [x0, x1, y] = [...out.matchAll(/[XY]_\d (\S+?)\)/g)].map(([, value]) => Number(value));
    expect(x0 <= 0.5 && x1 <= 2 && y >= 2.49 && y === Math.fround(x0 + x1)).toBe(true);
  });

  it("prints unknown when the time is up, how near it came, and exits with 0", async () => {
    const { code, out, err } = await falsify([at("holds.vnnlib"), "--seconds", "0.2"]);
    expect({ code, out }).toEqual({ code: 0, out: "unknown\n" });
    expect(err).toMatch(/no counterexample found, which is not a proof: \d+ searches in 0\.\d s/);
    expect(err).toContain("the closest point misses by 0.0100");
  });

  it("writes the verdict, whichever it is, and one line of JSON", async () => {
    const sat = await falsify([at("fails.vnnlib.gz"), "--out", at("new/sat.txt"), "--json"]);
    expect(readFileSync(at("new/sat.txt"), "utf8")).toMatch(/^sat\n\(\(X_0 /);
    expect(JSON.parse(sat.out)).toMatchObject({ result: "sat", case: 0, out: at("new/sat.txt") });
    expect(JSON.parse(sat.out).x).toHaveLength(2);
    const words = [at("holds.vnnlib"), "--seconds", "0.1", "--out", at("new/sat.txt")];
    expect((await falsify(words)).out).toBe("unknown\n");
    expect(readFileSync(at("new/sat.txt"), "utf8")).toBe("unknown\n");
    expect(readdirSync(at("new"))).toEqual(["sat.txt"]);
  });

  it("finds the same point for the same seed", async () => {
    const points = [];
    for (const seed of ["3", "3"])
      points.push((await falsify([at("fails.vnnlib.gz"), "--seed", seed])).out);
    expect(points[0]).toBe(points[1]);
  });

  it("says that a property with an empty box holds for any network, and where to look", async () => {
    const { code, err } = await falsify([at("empty.vnnlib")]);
    expect(code).toBe(0);
    expect(err).toContain("empty.vnnlib leaves no input: in every case a lower bound is above its");
    const other = await falsify([at("holds.vnnlib"), "--seconds", "0.1"]);
    expect(other.err).not.toContain("leaves no input");
  });

  it("says where no float32 lies between the bounds", async () => {
    const { out, err } = await falsify([at("gap.vnnlib")]);
    expect(out).toBe("unknown\n");
    expect(err).toContain("no float32 lies in [0.1, 0.1], the bounds of X_0");
  });

  it.each([
    [["broken.vnnlib"], network, /broken\.vnnlib:4: unknown word "2"/],
    [["none.vnnlib"], network, /none\.vnnlib: there is no such file/],
    [["holds.vnnlib", "--seconds", "0"], network, /--seconds is 0, but it must be more than 0/],
    [
      ["holds.vnnlib"],
      { ...network, inputs: [{ name: "x", shape: [3] }] },
      /takes 3 numbers \(\[3\]\) and the property bounds 2/,
    ],
    [
      ["holds.vnnlib"],
      { ...network, inputs: [...network.inputs, { name: "mask", shape: [1] }] },
      /has 2 inputs \(x, mask\); a property is about a network of one/,
    ],
    [
      ["holds.vnnlib"],
      { ...network, outputs: async () => tensor([1, 5]) },
      /gives 5 numbers and the property is about 1/,
    ],
  ])("refuses %j with exit code 2", async ([name, ...words], net, message) => {
    const { code, out, err } = await falsify([at(name), ...words], { net });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
  });

  it("stops when it is interrupted", async () => {
    const signal = AbortSignal.abort();
    const { code, err } = await falsify([at("holds.vnnlib")], { signal });
    expect(code).toBe(130);
    expect(err).toContain("interrupted after");
  });
});
