import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { use } from "../plugins/use.ts";
import { memoryData } from "./data-files.ts";
import { type DatasetSpecification, defineDataset } from "./define-dataset.ts";
import { dataOptionShape, nameWithOptions, withDataOptions } from "./own-data-options.ts";
import { datasetOf, datasets, openDataset, requireDataName } from "./table.ts";

const options = z.strictObject({
  count: z.int().min(2).max(100).default(3).describe("dots of each split"),
  bright: z.boolean().default(false).describe("white dots"),
  words: z.array(z.string()).default(["dot"]).describe("names of the classes"),
  text: z.string().optional().describe("a remark"),
});
const specification: DatasetSpecification<typeof options> = {
  name: "tiny-dots",
  text: "single pixels",
  source: "this test",
  options,
  open: (_, __, { count, bright, words }) => {
    const part = {
      pixels: new Uint8Array(count).fill(bright ? 255 : 0),
      labels: new Uint8Array(count),
    };
    return { shape: [1, 1, 1], classes: words, train: part, test: part };
  },
};
const dots = defineDataset(specification);
const rows = defineDataset({
  name: "rows",
  text: "bytes of a file",
  source: "this test",
  path: "file",
  options: z.strictObject({ most: z.int().positive().default(9).describe("bytes read") }),
  async open(from, path, { most }) {
    const pixels = ((await from.read(path)) ?? new Uint8Array()).slice(0, most);
    const part = { pixels, labels: new Uint8Array(pixels.length) };
    return { shape: [1, 1, 1], classes: ["any"], train: part, test: part };
  },
});
const from = memoryData({});
afterEach(() => {
  datasets.remove("tiny-dots");
  datasets.remove("rows");
});

it("options reach `open` with their defaults, and a call refuses unknown ones and values out of range", async () => {
  expect((await dots(from)).test.size).toBe(3);
  const { name, test, classes } = await dots(from, "", { count: 5, words: ["a:b", "c,d"] });
  expect([name, test.size, classes]).toEqual([
    "tiny-dots:count=5:words=a%3Ab,c%2Cd",
    5,
    ["a:b", "c,d"],
  ]);
  await expect(dots(from, "", { count: 1 })).rejects.toMatchObject({ code: "bad-option" });
  const wrong = { counts: 1 } as object;
  await expect(dots(from, "", wrong)).rejects.toThrow(
    'unknown option "counts"; did you mean count?',
  );
});

describe("in the name of a data set", () => {
  it("an option is read as it was written, and a default is left out", async () => {
    use(dots);
    const name = "tiny-dots:count=7:bright=true:words=a%3Ab,c%2Cd";
    const opened = await openDataset(name, from);
    expect([opened.name, opened.test.size, opened.classes]).toEqual([name, 7, ["a:b", "c,d"]]);
    expect(opened.test.images([0]).data[0]).toBe(1);
    expect((await openDataset("tiny-dots:count=3:bright=false", from)).name).toBe("tiny-dots");
    expect(datasetOf(name)).toBe(dots);
  });

  it("an option stands after the path, which may hold colons and equals signs", async () => {
    use(rows);
    const files = memoryData({ "a:b=1": new Uint8Array(5) });
    expect((await openDataset("rows:a:b=1", files)).test.size).toBe(5);
    const { name, test } = await openDataset("rows:a:b=1:most=2", files);
    expect([name, test.size]).toEqual(["rows:a:b=1:most=2", 2]);
  });

  it.each([
    [
      "tiny-dots:counts=4",
      'data set tiny-dots:counts=4: unknown option "counts"; did you mean count?',
    ],
    ["tiny-dots:count=one", 'count is "one", but it must be a number'],
    ["tiny-dots:count=101", "count is 101, but it must be at most 100"],
    ["tiny-dots:bright=maybe", 'bright is "maybe", but it must be true or false'],
    ["tiny-dots:4", "unknown data set tiny-dots:4"],
    ["shapes:count=4", "unknown data set shapes:count=4"],
    ["rows:most=2", "rows:most=2 names no file"],
  ])("%s is refused", (name, message) => {
    use(dots, rows);
    expect(() => requireDataName(name)).toThrow(message);
  });
});

describe("beside other options", () => {
  it("an option is called after its data set, and is absent unless it is given", () => {
    use(dots);
    expect(Object.keys(dataOptionShape())).toEqual([
      "tinyDotsCount",
      "tinyDotsBright",
      "tinyDotsWords",
      "tinyDotsText",
    ]);
    const schema = withDataOptions(z.strictObject({ data: z.string() }));
    expect(schema.parse({ data: "shapes" })).toEqual({ data: "shapes" });
    expect(schema.safeParse({ data: "tiny-dots", tinyDotsCount: 1 }).success).toBe(false);
    expect(z.toJSONSchema(schema).properties?.tinyDotsCount).toMatchObject({
      type: "integer",
      maximum: 100,
      description: "dots of each split (default: 3)",
    });
  });

  it("options that are given become part of the name, and replace those in it", () => {
    use(dots, rows);
    expect(nameWithOptions("tiny-dots", { tinyDotsCount: 4 })).toBe("tiny-dots:count=4");
    expect(nameWithOptions("tiny-dots:count=4:text=x", { tinyDotsCount: 5 })).toBe(
      "tiny-dots:count=5:text=x",
    );
    expect(nameWithOptions("rows:a:b", { rowsMost: 1 })).toBe("rows:a:b:most=1");
    expect(nameWithOptions("shapes", {})).toBe("shapes");
    expect(nameWithOptions(undefined, {})).toBeUndefined();
  });

  it("an option of another data set, or of none that is named, is refused", () => {
    use(dots);
    const given = { tinyDotsCount: 4 };
    const flag = (option: string) => `--${option}`;
    expect(() => nameWithOptions("shapes", given, flag)).toThrow(
      "--tinyDotsCount is an option of data set tiny-dots, and shapes has no such option; leave it out",
    );
    expect(() => nameWithOptions(undefined, given, flag)).toThrow(
      "no data set is named; add --data tiny-dots",
    );
  });

  it("an option that is called as another option of a command is refused", () => {
    use(dots);
    const schema = z.strictObject({ data: z.string(), tinyDotsCount: z.string() });
    expect(() => withDataOptions(schema)).toThrow("has an option count, which is tinyDotsCount");
  });
});

it.each([
  ["has no description", z.strictObject({ a: z.int().default(1) }), "without a description"],
  ["has no default", z.strictObject({ a: z.int().describe("a") }), "without a valid default"],
  ["is called rules", z.strictObject({ rules: z.int().default(1).describe("a") }), "option rules"],
])("bad-plugin: an option that %s", (_, given, message) => {
  const wrong = Object.assign({}, specification, { options: given }) as unknown;
  expect(() => defineDataset(wrong as DatasetSpecification)).toThrow(
    expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
  );
});
