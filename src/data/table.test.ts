import { describe, expect, it } from "vitest";
import { memoryData } from "./data-files.ts";
import { dataForms, openDataset, requireDataName } from "./table.ts";

describe("a data set's name", () => {
  it.each([
    ["cifar11", "unknown data set cifar11; did you mean cifar10?"],
    ["fashion_mnist", "did you mean fashion-mnist?"],
    ["fodler:photos", "did you mean folder:photos?"],
    ["npx:a.npz", "did you mean npz:a.npz?"],
    ["constructor", "unknown data set constructor"],
    ["zzzzzzzz", `choose from ${dataForms().join(", ")}`],
    ["folder:", "folder: names no folder; write folder:PATH"],
    ["folder", "folder names no folder; write folder:PATH"],
    ["npz:", "npz: names no file; write npz:PATH"],
  ])("%s is refused with advice", (name, message) => {
    expect(() => requireDataName(name)).toThrow(message);
  });

  it("may hold colons and slashes after the first one", async () => {
    const opened = openDataset("npz:C:/a:b.npz", memoryData({}));
    await expect(opened).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("C:/a:b.npz:"),
    });
  });
});
