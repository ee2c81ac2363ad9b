import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "../src/cli/kit/program.ts";
import { rampart } from "../src/cli/main.ts";
import { excessOf } from "../src/verify/property.ts";
import { isInside } from "../src/verify/region.ts";
import { parseVnnlib } from "../src/verify/vnnlib.ts";

const place = join(process.env.RAMPART_DATA ?? "", "vnncomp");
const there = process.env.RAMPART_DATA !== undefined && existsSync(place);
if (!there) console.log(`skipped: no VNN-COMP files at ${place}`);
const work = mkdtempSync(join(tmpdir(), "rampart-vnncomp-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const unpacked = (path: string): Uint8Array => {
  const bytes = readFileSync(path);
  return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
};

async function falsify(...words: string[]) {
  let out = "";
  const io = { stdout: { write: (text: string) => (out += text) }, stderr: { write: () => 0 } };
  const code = await run(rampart, ["falsify", ...words], io);
  return { code, out };
}

const sri = "2022_sri_resnet_a";
const known: readonly (readonly [string, string])[] = [
  ["2021_mnistfc/mnist-net_256x2.onnx", "2021_mnistfc/prop_14_0.03.vnnlib.gz"],
  ["2021_mnistfc/mnist-net_256x6.onnx", "2021_mnistfc/prop_3_0.05.vnnlib.gz"],
  [
    `${sri}/onnx/resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1.onnx.gz`,
    `${sri}/vnnlib/cifar10_spec_idx_6283_eps_0.00350.vnnlib.gz`,
  ],
];

describe.skipIf(!there)("rampart falsify on VNN-COMP's networks", () => {
  it.each(known)("%s, %s: the counterexample holds in plain ONNX Runtime", async (model, path) => {
    const out = join(work, "result.txt");
    const words = [join(place, model), join(place, path), "--seconds", "300", "--out", out];
    expect(await falsify(...words)).toEqual({ code: 0, out: "sat\n" });
    const values = [...readFileSync(out, "utf8").matchAll(/\(([XY])_\d+ (\S+?)\)/g)];
    const numbers = (letter: string) =>
      values.filter(([, name]) => name === letter).map(([, , value]) => Number(value));
    const x = Float32Array.from(numbers("X"));
    const { cases } = parseVnnlib(new TextDecoder().decode(unpacked(join(place, path))));
    const session = await InferenceSession.create(unpacked(join(place, model)));
    const [input] = session.inputMetadata;
    const shape = input.isTensor ? input.shape.map((n, i) => (i === 0 ? 1 : Number(n))) : [];
    const [output] = Object.values(
      await session.run({ [input.name]: new Tensor("float32", x, shape) }),
    );
    await session.release();
    const y = output.data as Float32Array;
    expect(Array.from(x)).toEqual(numbers("X"));
    const holding = cases.filter((one) => isInside(one, x) && excessOf(one.conditions, y) <= 0);
    expect(holding.length).toBeGreaterThan(0);
    for (const [j, value] of numbers("Y").entries()) expect(y[j]).toBeCloseTo(value, 4);
  });

  it("finds nothing where others proved that there is nothing", async () => {
    const words = ["mnist-net_256x2.onnx", "prop_0_0.03.vnnlib.gz"].map((name) =>
      join(place, "2021_mnistfc", name),
    );
    expect(await falsify(...words, "--seconds", "2")).toEqual({ code: 0, out: "unknown\n" });
  });
});
