import { beforeAll, describe, expect, it } from "vitest";
import { linfRadiusOf, quarterPixels, quarters } from "../../../test/fixtures/lab-files.ts";
import { importModel, nodeRuntime } from "../../node.ts";
import type { CertificateMoment, Picture, ProofMoment } from "../protocol.ts";
import { CertificateRun } from "./certificate-run.ts";
import { Network } from "./network.ts";
import { ProofRun } from "./proof-run.ts";

let network: Network;
/** The same network with a softmax at its end, as exporters write it. */
let withSoftmax: Network;
const picture: Picture = {
  name: "3.png",
  pixels: Float32Array.from(quarterPixels(3), (level) => level / 255),
  shape: [1, 8, 8],
  label: null,
};

beforeAll(async () => {
  const device = await nodeRuntime({ threads: 1 });
  const model = await importModel(quarters({ isPlain: true }), { device });
  network = new Network({ device, model, beside: {}, noise: null });
  const other = await importModel(quarters(), { device });
  withSoftmax = new Network({ device, model: other, beside: {}, noise: null });
});

/** All moments until the last. */
async function all<T>(
  run: {
    next(): Promise<{ readonly value: T } | { readonly problem: { readonly message: string } }>;
  },
  isLast: (moment: T) => boolean,
): Promise<T[]> {
  const moments: T[] = [];
  for (;;) {
    const answer = await run.next();
    if ("problem" in answer) throw new Error(answer.problem.message);
    moments.push(answer.value);
    if (isLast(answer.value)) return moments;
  }
}

const isProven = ({ done }: ProofMoment) => done;

describe("the proof of an image", () => {
  it.each([
    ["a linear network", () => network],
    ["a linear network that ends in a softmax", () => withSoftmax],
  ])("closes in on the exact radius of %s, and never above it", async (_, opened) => {
    const settings = { norm: "linf", label: 3, seed: 0 } as const;
    const moments = await all(new ProofRun(opened, settings, picture), isProven);
    const exact = linfRadiusOf(3);
    for (const { lower } of moments) expect(lower).toBeLessThan(exact);
    const { lower, upper } = moments[moments.length - 1];
    expect(lower / exact).toBeGreaterThan(0.95);
    expect(Number(upper) / exact).toBeGreaterThan(0.999);
    expect(Number(upper) / exact).toBeLessThan(1.05);
  });

  it("has nothing to prove where the network is wrong", async () => {
    const settings = { norm: "l2", label: 0, seed: 0 } as const;
    const moments = await all(new ProofRun(() => network, settings, picture), isProven);
    expect(moments).toMatchObject([{ lower: 0, upper: 0, done: true }]);
  });

  it("refuses a network with noise", async () => {
    const settings = { norm: "l2", label: 3, seed: 0 } as const;
    const noisy = network.withNoise("normal:0.1");
    const answer = await new ProofRun(() => noisy, settings, picture).next();
    expect(answer).toMatchObject({ problem: { usage: true } });
  });
});

describe("the certificate of an image", () => {
  const settings = { noise: "normal:0.02", n0: 50, n: 250, alpha: 0.001, seed: 0, index: 0 };

  it("counts every draw once, and ends with what the library certifies", async () => {
    const run = new CertificateRun(() => network, settings, picture);
    const moments = await all<CertificateMoment>(run, ({ phase }) => phase === "done");
    expect(moments.map(({ phase, draws }) => `${phase} ${draws}`)).toEqual([
      "class 50",
      "bound 100",
      "bound 200",
      "bound 250",
      "done 250",
    ]);
    const last = moments[moments.length - 1];
    expect(last.counts.reduce((a, b) => a + b)).toBe(250);
    expect(last.radius).toEqual(moments[moments.length - 2].radius);
    expect(last.pLower).toBe(moments[moments.length - 2].pLower);
  });

  it("shows both parts of a noise that is sampled in two, and a radius once both are drawn", async () => {
    const mixed = Object.assign({}, settings, { noise: "mix-image:0.02:0.02" });
    const run = new CertificateRun(() => network, mixed, picture);
    const moments = await all<CertificateMoment>(run, ({ phase }) => phase === "done");
    expect(moments.filter(({ phase }) => phase === "bound").map(({ draws }) => draws)).toEqual([
      100, 200, 250, 100, 200, 250,
    ]);
    expect(moments[3].radius.l2).toBe(0);
    expect(moments[moments.length - 1].radius).toEqual(moments[moments.length - 2].radius);
  });

  it("says which noises have a certificate where this one has none", async () => {
    const none = Object.assign({}, settings, { noise: "student:3" });
    const answer = await new CertificateRun(() => network, none, picture).next();
    expect(answer).toMatchObject({ problem: { usage: true } });
  });
});
