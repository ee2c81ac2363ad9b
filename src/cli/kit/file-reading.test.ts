import { expect, it } from "vitest";
import { z } from "zod";
import { fileReading, statedReading } from "./file-reading.ts";

it("a flag about the reading of a file is stated once it is not at its default, whichever it is", () => {
  const parsed = (given: object) => z.object(fileReading).parse(given);
  expect(statedReading(parsed({}))).toBeUndefined();
  for (const given of [
    { resize: [64] },
    { channelOrder: "bgr" },
    { layout: "nhwc" },
    { mean: [0.5] },
    { straightThrough: true },
  ])
    expect(statedReading(parsed(given))).toBe(Object.keys(given)[0]);
});
