import { describe, expect, it } from "vitest";
import { bytesOf } from "./bytes.ts";

describe("a size", () => {
  it.each([
    ["4GiB", 2 ** 32],
    ["500MB", 5e8],
    ["1.5 gb", 1.5e9],
    ["768mib", 3 * 2 ** 28],
    ["1024", 1024],
    [".5KiB", 512],
  ])("%s is %i bytes", (text, bytes) => {
    expect(bytesOf(text, "--max-constants")).toBe(bytes);
  });

  it.each([
    "",
    "much",
    "-1GB",
    "0",
    "4 apples",
    "1e3MB",
    "toString",
    "5constructor",
    "99999999999TiB",
    "0.1",
  ])("%j is none", (text) => {
    expect(() => bytesOf(text, "--max-constants")).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });
});
