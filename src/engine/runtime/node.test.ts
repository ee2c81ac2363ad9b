import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { tensor } from "../../math/tensor.ts";
import { add, input, mul } from "../graph/ops.ts";
import { nodeRuntime } from "./node.ts";

const [x, y] = [input("x", [3]), input("y", [3])];
const feeds = { x: tensor([3], [1, 2, 3]), y: tensor([3], [4, 5, 6]) };

it("writes outputs over arrays that it is given, as new objects, and makes the others", async () => {
  const runtime = await nodeRuntime({ threads: 1 });
  const program = await runtime.compile({ sum: add(x, y), product: mul(x, y), x });
  const over = tensor([3]);
  const { sum, product, x: same } = await program.run(feeds, { sum: over });
  expect([...over.data]).toEqual([5, 7, 9]);
  expect(sum.data).toBe(over.data);
  expect(sum).not.toBe(over);
  expect([...product.data]).toEqual([4, 10, 18]);
  expect([...same.data]).toEqual([1, 2, 3]);
  const again = await program.run({ ...feeds, x: feeds.y });
  expect([...again.sum.data]).toEqual([8, 10, 12]);
  expect([...over.data]).toEqual([5, 7, 9]);
  await program.release();
});

it("says what the runtime says where a run fails", async () => {
  const runtime = await nodeRuntime({ threads: 1 });
  const program = await runtime.compile({ sum: add(x, y) });
  await expect(program.run({ ...feeds, x: tensor([2]) })).rejects.toThrow(/invalid dimensions/i);
  await expect(program.run({ x: feeds.x })).rejects.toThrow("no array for input y");
  await program.release();
});

const blocked = (await nodeRuntime({ threads: 1 })).target.lowering !== "plain";

it.runIf(blocked && process.platform === "linux")(
  "does not open a device or folder as a file of calibrations",
  async () => {
    const home = mkdtempSync(join(tmpdir(), "rampart-home-"));
    const folder = join(home, ".cache", "rampart");
    mkdirSync(folder, { recursive: true });
    vi.stubEnv("HOME", home);
    for (const target of ["/dev/zero", "."]) {
      symlinkSync(target, join(folder, "calibration.json"));
      await expect(nodeRuntime({ threads: 1 })).rejects.toThrow("calibration.json is not what");
      rmSync(join(folder, "calibration.json"));
    }
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  },
);
