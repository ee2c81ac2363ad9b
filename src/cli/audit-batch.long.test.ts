import { afterAll, describe, expect, it } from "vitest";
import {
  audited,
  diagnostic,
  dynamic,
  linear,
  mixing,
  removeFolder,
} from "../../test/fixtures/audit-batch-fixture.ts";

afterAll(removeFolder);

describe("an audit of a file whose scores depend on the batch", () => {
  it("is invalid, names the node, and gives the same numbers whatever --batch is", async () => {
    const [eight, three] = [await audited(mixing, 8), await audited(mixing, 3)];
    for (const { result, notes } of [eight, three]) {
      expect(result.valid).toBe(false);
      expect(diagnostic(result, "batch-dependent")?.text).toContain(
        '"ReduceMean of mu" (ReduceMean) mixes the images',
      );
      expect(notes.map(({ code }) => code)).toContain("batch-dependent");
    }
    expect(eight.result.union).toEqual(three.result.union);
    // One by one each image is its own mean.
    expect((await audited(mixing, 1)).result.union).toEqual(eight.result.union);
  });

  it("is scored one by one, and valid, where dynamic quantisation explains it", async () => {
    const { result } = await audited(dynamic, 8);
    expect(diagnostic(result, "batch-dependent")).toMatchObject({ severity: "note" });
    expect(result.valid).toBe(true);
    expect(result.union).toEqual((await audited(dynamic, 1)).result.union);
  });

  it("does not happen to a file that keeps its images apart", async () => {
    expect(diagnostic((await audited(linear("z"), 8)).result, "batch-dependent")).toBeUndefined();
  });
});
