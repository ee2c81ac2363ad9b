import { describe, expect, it } from "vitest";
import { tarOf } from "../../test/fixtures/tar-fixture.ts";
import { readTar } from "./tar.ts";

const data = Uint8Array.from({ length: 700 }, (_, i) => i % 251);

describe("a tar archive", () => {
  it("gives its regular files, and no links or folders", () => {
    const bytes = tarOf([
      { name: "a/", type: "5" },
      { name: "a/one", data },
      { name: "a/link", type: "2" },
      { name: "a/empty", data: new Uint8Array() },
    ]);
    const files = readTar("t", bytes);
    expect([...files.keys()]).toEqual(["a/one", "a/empty"]);
    expect(files.get("a/one")).toEqual(data);
  });

  it.each(["../etc/passwd", "/etc/passwd", "a/../../b", "a\\..\\b", "C:\\b"])(
    "with a file %s is refused",
    (name) => {
      expect(() => readTar("t", tarOf([{ name, data }]))).toThrow(
        `a file ${name}, which would lie outside`,
      );
    },
  );

  it("may hold names with dots", () => {
    expect(readTar("t", tarOf([{ name: "a..b/c..", data }])).size).toBe(1);
  });

  const whole = tarOf([{ name: "a", data }]);
  it("that ends early is refused, wherever it ends", () => {
    for (const end of [0, 511, 512, 600, 1211, 1536])
      expect(() => readTar("t", whole.subarray(0, end))).toThrow("truncated");
    expect(() => readTar("t", whole.subarray(0, 600))).toThrow("ends at byte 600, within a, which");
    expect(readTar("t", whole.subarray(0, 2048)).size).toBe(1);
  });

  it("with one wrong bit in a header is refused", () => {
    const bytes = whole.slice();
    bytes[124] ^= 1;
    expect(() => readTar("t", bytes)).toThrow("is damaged at byte 0");
  });
});
