// IBP and CROWN against an own implementation in PyTorch: convolutions, batch norm, residuals, pooling and smooth functions.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Crown } from "../src/engine/bounds/crown.ts";
import { boxAround } from "../src/engine/bounds/region.ts";
import * as g from "../src/engine/graph/expressions.ts";
import type { Value } from "../src/engine/graph/value.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { normal } from "../src/math/distributions.ts";
import { fold, keyOf } from "../src/math/random.ts";
import { elementCount, type Shape, type Tensor, tensor } from "../src/math/tensor.ts";

const PYTHON = "/usr/bin/python3";
const there = spawnSync(PYTHON, ["-c", "import torch"]).status === 0;
if (!there) console.log(`skipped: no PyTorch in ${PYTHON}`);

const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

/** A node for PyTorch; inputs are places in the list. */
type Node = Readonly<Record<string, unknown>> & { readonly inputs: readonly number[] };

const asJson = ({ shape, data }: Tensor) => ({ shape, data: [...data] });

/** Builds the same graph for both sides. */
class Graph {
  readonly nodes: Node[] = [{ op: "input", inputs: [] }];
  readonly values: Value[];
  #draws = 0;

  constructor(shape: Shape) {
    this.values = [g.input("x", [1, ...shape])];
  }

  #put(node: Node, value: Value): number {
    this.nodes.push(node);
    this.values.push(value);
    return this.nodes.length - 1;
  }

  #draw(shape: Shape, scale: number, shift = 0): Tensor {
    const { data } = normal([fold(keyOf(7), this.#draws++)], [1, elementCount(shape)]);
    return tensor(
      shape,
      data.map((v) => shift + scale * v),
    );
  }

  conv(x: number, out: number, kernel: number, stride = 1, pad = 0, groups = 1): number {
    const into = this.values[x].shape[1] / groups;
    const w = this.#draw([out, into, kernel, kernel], 1 / Math.sqrt(into * kernel * kernel));
    const b = this.#draw([out], 0.1);
    const attrs = { strides: [stride, stride], pads: [pad, pad, pad, pad], groups };
    const y = g.add(
      g.conv(this.values[x], g.constant(w), attrs),
      g.reshape(g.constant(b), [1, out, 1, 1]),
    );
    return this.#put(
      { op: "conv", inputs: [x], w: asJson(w), b: asJson(b), stride, pad, groups },
      y,
    );
  }

  bn(x: number): number {
    const channels = this.values[x].shape[1];
    const [mean, scale, shift] = [0.2, 0.5, 0.2].map((s) => this.#draw([channels], s));
    const variance = this.#draw([channels], 0.2, 1);
    const part = (v: Tensor) => g.reshape(g.constant(v), [1, channels, 1, 1]);
    const std = g.sqrt(g.add(part(variance), g.scalar(1e-5)));
    const y = g.add(
      g.mul(g.mul(g.sub(this.values[x], part(mean)), g.div(g.scalar(1), std)), part(scale)),
      part(shift),
    );
    const arrays = { mean, var: variance, scale, shift };
    const listed = Object.entries(arrays).map(([name, v]) => [name, asJson(v)]);
    return this.#put({ op: "bn", inputs: [x], ...Object.fromEntries(listed) }, y);
  }

  dense(x: number, out: number): number {
    const from = elementCount(this.values[x].shape);
    const [w, b] = [this.#draw([from, out], 1 / Math.sqrt(from)), this.#draw([out], 0.1)];
    const y = g.add(g.matmul(g.reshape(this.values[x], [1, from]), g.constant(w)), g.constant(b));
    return this.#put({ op: "dense", inputs: [x], w: asJson(w), b: asJson(b) }, y);
  }

  average(x: number, kernel: number, stride: number): number {
    const geometry = { kernel: [kernel, kernel], strides: [stride, stride] };
    const node = { op: "average", inputs: [x], kernel, stride };
    return this.#put(node, g.averagePool(this.values[x], geometry));
  }

  max(x: number, kernel: number, stride: number): number {
    const geometry = { kernel: [kernel, kernel], strides: [stride, stride] };
    const sizes = this.values[x].shape.slice(2);
    const node = { op: "max", inputs: [x], kernel, stride, sizes };
    return this.#put(node, g.maxPool(this.values[x], geometry));
  }

  add(x: number, y: number): number {
    return this.#put({ op: "add", inputs: [x, y] }, g.add(this.values[x], this.values[y]));
  }

  unit(op: "relu" | "sigmoid" | "tanh", x: number): number {
    const units = { relu: g.relu, sigmoid: g.sigmoid, tanh: g.tanh };
    return this.#put({ op, inputs: [x] }, units[op](this.values[x]));
  }

  hardswish(x: number): number {
    const h = this.values[x];
    const gate = g.clip(g.add(g.mul(h, g.scalar(1 / 6)), g.scalar(0.5)), 0, 1);
    return this.#put({ op: "hardswish", inputs: [x] }, g.mul(h, gate));
  }
}

const networks: Record<string, readonly [Shape, (graph: Graph) => number]> = {
  "strided and grouped convolutions": [
    [2, 6, 6],
    (n) => n.dense(n.unit("relu", n.conv(n.unit("relu", n.conv(0, 4, 3, 2, 1)), 4, 3, 1, 1, 2)), 3),
  ],
  "batch norm and a residual": [
    [2, 5, 5],
    (n) => {
      const h = n.unit("relu", n.bn(n.conv(0, 4, 3, 1, 1)));
      const inner = n.bn(n.conv(n.unit("relu", n.bn(n.conv(h, 4, 3, 1, 1))), 4, 3, 1, 1));
      return n.dense(n.average(n.unit("relu", n.add(inner, h)), 5, 5), 3);
    },
  ],
  "max and average pooling": [
    [1, 7, 7],
    (n) => n.dense(n.average(n.max(n.conv(0, 2, 3), 2, 1), 2, 2), 3),
  ],
  "sigmoid and tanh": [
    [4],
    (n) => n.dense(n.unit("tanh", n.dense(n.unit("sigmoid", n.dense(0, 6)), 6)), 3),
  ],
  "sigmoid behind a convolution": [
    [1, 5, 5],
    (n) => n.dense(n.unit("sigmoid", n.conv(n.unit("relu", n.conv(0, 3, 3, 1, 1)), 2, 3, 2)), 3),
  ],
  "hard swish": [[4], (n) => n.dense(n.hardswish(n.dense(n.hardswish(n.dense(0, 6)), 5)), 3)],
};

const radii = [0.01, 0.1, 0.5];
const cases = Object.keys(networks).flatMap((name) => radii.map((epsilon) => ({ name, epsilon })));

interface Bounds {
  readonly ibp: readonly ArrayLike<number>[];
  readonly crown: readonly ArrayLike<number>[];
}

/** Our bounds of one network, [lower, upper] each, and the job for PyTorch. */
async function solved({ name, epsilon }: (typeof cases)[number]) {
  const [shape, build] = networks[name];
  const graph = new Graph(shape);
  const output = graph.values[build(graph)];
  const centre = normal([keyOf(3)], [1, elementCount(shape)]).data;
  const region = boxAround(centre, epsilon, [-10, 10]);
  const runtime = await nodeRuntime({ threads: 1, lowering: "plain" });
  const crown = new Crown(runtime.compile, graph.values[0], output);
  opened.push(crown);
  const { lower, upper } = (await crown.analyse(region, { walks: false })).interval(
    crown.plan.output,
  );
  const state = await crown.analyse(region);
  const rows = [0, 1, 2].flatMap((i) => [[[i, 1]], [[i, -1]]] as const);
  const found = await crown.lowerBounds(state, crown.plan.output, rows);
  const slopes: Record<number, object> = {};
  for (const node of crown.plan.order) {
    const source = crown.plan.sources.get(node)?.[0];
    if (source === undefined || node.op === "Relu" || !crown.plan.isRelaxed(node)) continue;
    const { lowerSlopes, upperSlopes } = state.relaxation(node);
    const listed = (sides: readonly Float64Array[]) => sides.map((side) => [...side]);
    const sides = { lower: listed(lowerSlopes), upper: listed(upperSlopes) };
    slopes[graph.values.indexOf(source)] = sides;
  }
  const side = (data: Float64Array) => ({ shape: [1, ...shape], data: [...data] });
  const bounds: Bounds = {
    ibp: [lower, upper],
    crown: [[0, 2, 4].map((i) => found[i]), [1, 3, 5].map((i) => -found[i])],
  };
  const { nodes } = graph;
  const job = { nodes, lower: side(region.lower), upper: side(region.upper), slopes };
  return { job, bounds, type: crown.plan.type };
}

describe.skipIf(!there)("bounds agree with PyTorch:", () => {
  const ours: Awaited<ReturnType<typeof solved>>[] = [];
  let theirs: Bounds[] = [];

  beforeAll(async () => {
    for (const one of cases) ours.push(await solved(one));
    const script = join(import.meta.dirname, "fixtures/crown-graph.py");
    const input = JSON.stringify(ours.map(({ job }) => job));
    const { stdout, stderr } = spawnSync(PYTHON, [script], { input, maxBuffer: 2 ** 26 });
    expect(String(stderr)).toBe("");
    theirs = JSON.parse(String(stdout));
  }, 300_000);

  it.each(cases)("$name, radius $epsilon", ({ name, epsilon }) => {
    const at = cases.findIndex((one) => one.name === name && one.epsilon === epsilon);
    const { bounds, type } = ours[at];
    for (const kind of ["ibp", "crown"] as const) {
      // Bounds of walks in float32 allow for rounding.
      const tolerance = kind === "crown" && type === "float32" ? 6e-5 : 1e-5;
      for (const [side, sign] of [1, -1].entries())
        for (const [i, t] of Array.from(theirs[at][kind][side]).entries()) {
          const excess = sign * (bounds[kind][side][i] - t);
          expect(excess).toBeGreaterThan(-tolerance * (1 + Math.abs(t)));
          // Sound: at most (or at least) what doubles give, up to the doubles' own rounding and the grid.
          expect(excess).toBeLessThan(1e-7 * (1 + Math.abs(t)));
        }
    }
  });
});
