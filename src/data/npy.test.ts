import { describe, expect, it } from "vitest";
import { npyFile } from "../../test/fixtures/npy-fixture.ts";
import { npyBytes, parseNpy } from "./npy.ts";

const values = (descr: string, bytes: readonly number[]) =>
  Array.from<number | string>(parseNpy("a", npyFile(descr, "2,", bytes)).data);

describe("a .npy array", () => {
  it.each([
    ["|u1", [200, 1], [200, 1]],
    ["|i1", [255, 1], [-1, 1]],
    ["<u2", [1, 2, 0, 1], [513, 256]],
    [">i2", [255, 254, 0, 1], [-2, 1]],
    ["<f4", [0, 0, 128, 63, 0, 0, 0, 192], [1, -2]],
    [">f8", [63, 240, 0, 0, 0, 0, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0], [1, -2]],
    ["<i8", [...Array(8).fill(255), 3, 0, 0, 0, 0, 0, 0, 0], [-1, 3]],
    ["<U2", [97, 0, 0, 0, 0, 0, 0, 0, 0xe9, 0, 0, 0, 98, 0, 0, 0], ["a", "éb"]],
  ] as const)("of %s is read", (descr, bytes, wanted) => {
    expect(values(descr, bytes)).toEqual(wanted);
  });

  it("comes back as it was written, its data aligned to 64 bytes as the format asks", () => {
    const file = npyBytes(Float32Array.of(0.1, 2, 3, 4, 5, 6), [2, 3]);
    expect((file.length - 24) % 64).toBe(0);
    expect(parseNpy("a", file)).toEqual({
      type: "f4",
      shape: [2, 3],
      data: Float32Array.of(0.1, 2, 3, 4, 5, 6),
    });
  });

  it.each([
    ["truncated", npyFile("|u1", "2,", [1]), "a has 1 bytes of data instead of 2 for [2] of u1"],
    ["in Fortran order", npyFile("|u1", "1, 1", [1], "True"), "a is in Fortran order"],
    ["of complex numbers", npyFile("<c8", "1,", Array(8).fill(0)), "a has elements of type c8"],
    ["of Python objects", npyFile("|O", "1,", []), "a has elements of type O"],
    ["of something else", Uint8Array.of(1, 2, 3), "a is not a .npy array"],
  ])("%s is refused", (_, bytes, message) => {
    expect(() => parseNpy("a", bytes)).toThrow(message);
  });
});

/** A .npy file whose header is this text, version 2, which may be long. */
function headed(text: string): Uint8Array {
  const bytes = new Uint8Array(12 + text.length);
  bytes.set([0x93, 78, 85, 77, 80, 89, 2, 0]);
  new DataView(bytes.buffer).setUint32(8, text.length, true);
  bytes.set(new TextEncoder().encode(text), 12);
  return bytes;
}

describe("a hostile .npy file", () => {
  it.each([
    ["a header of four million letters", headed("x".repeat(4e6)), "where 65536 are allowed"],
    ["a header that is longer than the file", headed("x").subarray(0, 12), "truncated or damaged"],
    [
      "a letter beyond Unicode",
      npyFile("<U1", "1,", [0, 0, 17, 0]),
      "holds 1114112, which is not a Unicode character",
    ],
    [
      "2^400 elements",
      npyFile("|u1", `${"9".repeat(90)},`, []),
      "has 0 bytes of data instead of 1e+90",
    ],
    ["text of no length", npyFile("<Uxx", "2,", [1]), "has 1 bytes of data instead of NaN"],
  ])("with %s is refused", (_, bytes, message) => {
    expect(() => parseNpy("a", bytes)).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(() => parseNpy("a", bytes)).toThrow(message);
  });
});
