import { describe, expect, it, vi } from "vitest";
import { SidecarFiles } from "./sidecar-files.ts";

describe("the files beside a network", () => {
  it("are read once and parsed once, however often they are asked for", async () => {
    const read = vi.fn(async () => '{"mean": 0.5}');
    const files = new SidecarFiles(read);
    const [first, second] = [await files.object("a.json"), await files.object("a.json")];
    await files.text("a.json");
    expect(second).toBe(first);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("that are not JSON are an error that names them, each time they are asked for", async () => {
    const files = new SidecarFiles(async () => "mean: 0.5");
    for (let i = 0; i < 2; i++)
      await expect(files.object("a.json")).rejects.toMatchObject({ code: "bad-file" });
    expect(await files.objectOrNull("a.json")).toBeNull();
  });

  it("that are missing, or hold a list, have no object", async () => {
    expect(await new SidecarFiles(async () => null).object("a.json")).toBeNull();
    expect(await new SidecarFiles(async () => "[1]").object("a.json")).toBeNull();
  });
});
