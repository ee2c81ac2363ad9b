import { describe, expect, it } from "vitest";
import { UsageError } from "../../math/usage-error.ts";
import { is, topological, type Value } from "../graph/value.ts";
import { breakEvenOf, calibrate } from "./calibrate.ts";
import { calibrationIn, withCalibration } from "./calibrations.ts";
import { blockedLowering, blockedNamed } from "./lowerings.ts";

const timed = (channels: number, direct: number, winograd: number) => ({
  channels,
  direct,
  winograd,
});

describe("the break-even", () => {
  it("lies where the ratio of times passes 1, in steps of 16 channels", () => {
    expect(breakEvenOf([timed(64, 1, 1.25), timed(256, 5, 4)])).toBe(128);
    // ln 1.1 and ln 0.9 as they are: 64 · 2^(0.0953/0.2007) = 88.9.
    expect(breakEvenOf([timed(128, 10, 9), timed(64, 1, 1.1)])).toBe(96);
  });

  it("is above the largest size that loses, whatever smaller ones do", () => {
    const sizes = [timed(64, 1, 0.9), timed(128, 1, 1.25), timed(256, 1, 0.8), timed(512, 1, 0.7)];
    expect(breakEvenOf(sizes)).toBe(176);
  });

  it("is an end of what was measured where one form always wins", () => {
    expect(breakEvenOf([timed(64, 1, 0.9), timed(128, 1, 0.8)])).toBe(64);
    expect(breakEvenOf([timed(64, 1, 1.2), timed(512, 1, 1.1)])).toBe(1024);
  });
});

describe("calibration", () => {
  /** A machine on which transforms cost as much as the model says at these break-evens, with a clock that only programs move. */
  function machine(breakEven: { images: number; weights: number }) {
    let clock = 0;
    let open = 0;
    const compile =
      ({ images, weights }: { images: number; weights: number }) =>
      async ({ y }: Readonly<Record<string, Value>>) => {
        const all = topological<Value>([y]);
        const what = all.some((node) => is(node, "ConvWeightGradient")) ? "weights" : "images";
        const x = all.find((node) => is(node, "Input") && node.attrs.name === "x");
        const [, channels] = x?.shape ?? [];
        const bound = { images, weights }[what];
        const winograd = channels >= bound;
        const milliseconds = winograd
          ? 8 * channels ** 2 + 10 * breakEven[what] * channels
          : 18 * channels ** 2;
        let runs = 0;
        open++;
        return {
          async run() {
            // The first run is slow, and four of the nine others are disturbed.
            clock += milliseconds * [20, 1, 7, 1, 7, 1, 7, 1, 7, 1][runs++];
            return {};
          },
          release: async () => void open--,
        };
      };
    return { compile, now: () => clock, open: () => open };
  }

  it.each([
    [128, 256],
    [64, 512],
    [96, 176],
  ])("finds the machine's break-evens of %d and %d channels", async (images, weights) => {
    const { compile, now, open } = machine({ images, weights });
    const { breakEven, timings } = await calibrate(compile, now);
    // Between two sizes the interpolation is off by a few channels.
    expect(Math.abs(breakEven.images - images)).toBeLessThanOrEqual(16);
    expect(Math.abs(breakEven.weights - weights)).toBeLessThanOrEqual(16);
    expect(timings).toHaveLength(8);
    expect(timings[1]).toMatchObject({ operation: "images", channels: 128 });
    expect(timings[1].direct).toBeCloseTo((18 * 128 ** 2) / 1000, 6);
    expect(open()).toBe(0);
  });
});

describe("the file of calibrations", () => {
  const machine = { cpu: "A processor", threads: 2, engine: "an engine 1.0" };
  const path = "calibration.json";
  const found = { images: 96, weights: 208 };

  it("has an entry for each processor, number of threads and engine", () => {
    const text = withCalibration(undefined, path, machine, found);
    const more = withCalibration(text, path, { ...machine, threads: 1 }, { ...found, weights: 64 });
    expect(calibrationIn(more, path, machine)).toEqual(found);
    expect(calibrationIn(more, path, { ...machine, threads: 1 })?.weights).toBe(64);
    for (const other of [{ cpu: "Another" }, { threads: 3 }, { engine: "an engine 1.1" }])
      expect(calibrationIn(more, path, { ...machine, ...other })).toBeUndefined();
    expect(calibrationIn(undefined, path, machine)).toBeUndefined();
  });

  it.each([
    "",
    "{",
    "[]",
    '{"a":1}',
    '{"a":{"pictures":-1,"weights":2,"date":""}}',
    '{"a":{"pictures":64}}',
  ])("is refused with its name where it holds something else: %s", (text) => {
    expect(() => calibrationIn(text, path, machine)).toThrow(UsageError);
    expect(() => withCalibration(text, path, machine, found)).toThrow(`${path} is not what`);
  });
});

describe("the name of a blocked lowering", () => {
  it("has the break-even where it is not the usual one, and leads back to it", () => {
    expect(blockedLowering(16).name).toBe("blocked-16");
    expect(blockedLowering(8, { images: 128, weights: 256 }).name).toBe("blocked-8");
    for (const lowering of [blockedLowering(16), blockedLowering(16, { images: 96, weights: 1 })])
      expect(blockedNamed(lowering.name, 16)?.name).toBe(lowering.name);
    expect(blockedNamed("blocked-16-w96-208", 16)?.name).toBe("blocked-16-w96-208");
  });

  it.each(["plain", "webgpu", "blocked-8", "blocked-16-w0-1", "blocked-16-w64", "blocked-160"])(
    "is none: %s, for blocks of 16",
    (name) => expect(blockedNamed(name, 16)).toBeUndefined(),
  );
});
