import { expect, it } from "vitest";
import { brightnessData } from "../../test/fixtures/brightness.ts";
import { portableHost } from "../files/host/host.ts";
import { tensor } from "../math/tensor.ts";
import { cnnSmall } from "../models/cnn-small.ts";
import { defineNoise } from "../noise/define-noise.ts";
import { normal } from "../noise/normal.ts";
import { EvaluateOptions, resolved } from "./options.ts";
import { type Recorded, settingsOf } from "./recording.ts";

const zero = defineNoise({
  name: "zero",
  parameters: {},
  source: "this test",
  describe: () => "no noise",
  sample: (_, shape) => tensor(shape),
});

it.each([
  [normal({ sigma: 0.5 }), "normal noise of standard deviation 0.5 on pixels in [0, 1]"],
  [zero(), "no noise on pixels in [0, 1]"],
  [{ name: "a value of one's own", sample: zero().sample }, "a value of one's own"],
  [null, null],
])("the settings describe the noise %o, in a table or not", async (noise, noiseText) => {
  const dataset = await brightnessData();
  const architecture = cnnSmall({
    shape: dataset.shape,
    classes: dataset.classes.length,
    mean: dataset.mean,
    std: dataset.std,
  });
  const { model } = await settingsOf({
    model: { name: "m", path: null, weights: "w", reading: {}, architecture, classNames: [] },
    dataset,
    options: resolved(EvaluateOptions.parse({})),
    noise,
    warning: null,
    target: { engine: "this test" },
    note: () => {},
    host: portableHost,
  } as unknown as Recorded);
  expect(model).toMatchObject({ noise: noise?.name ?? null, noiseText });
});
