import { describe, expect, it, vi } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { npzBytes, parseNpz } from "./npz.ts";

const arrays = {
  x: tensor([2, 1, 2, 2], [0, 0.25, 0.5, 0.75, 1, 0.125, 0.375, 0.625]),
  y: tensor([2], [0, 1]),
  größe: tensor([1], [3]),
};

const read = (bytes: Uint8Array): string =>
  JSON.stringify(
    [...parseNpz("d.npz", bytes)].map(([name, { shape, data }]) => [name, shape, [...data]]),
  );

describe("an .npz file", () => {
  const whole = npzBytes(arrays);

  it("with any one bit flipped is refused, or holds what was written", () => {
    const want = read(whole);
    // Seven and eight are coprime, so steps of seven bits reach every bit position within a byte.
    for (let bit = 0; bit < 8 * whole.length; bit += isSlow ? 1 : 7) {
      const bytes = whole.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      let got = want;
      try {
        got = read(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
      expect(got, `bit ${bit}`).toBe(want);
    }
  });

  it("whose stated CRC-32 is wrong is refused by the array's name", () => {
    const bytes = whole.slice();
    const text = new TextDecoder("latin1").decode(bytes);
    bytes[text.indexOf("PK\x01\x02") + 16] ^= 1;
    expect(() => parseNpz("d.npz", bytes)).toThrow(/d\.npz .*the CRC-32 of x\.npy does not match/);
  });

  it("whose directory counts fewer arrays than there are is refused", () => {
    const bytes = whole.slice();
    bytes[bytes.length - 22 + 10] -= 1;
    bytes[bytes.length - 22 + 8] -= 1;
    expect(() => parseNpz("d.npz", bytes)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });

  it("followed by other bytes is refused", () => {
    const bytes = new Uint8Array(whole.length + 3);
    bytes.set(whole);
    expect(() => parseNpz("d.npz", bytes)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });

  it("has the same bytes whatever the clock says", () => {
    try {
      for (const year of [1970, 1979, 2100, 2500]) {
        vi.useFakeTimers({ now: new Date(year, 1, 1) });
        expect(npzBytes(arrays)).toEqual(whole);
      }
    } finally {
      vi.useRealTimers();
    }
  });
});

it("states noon of the first day that a zip can, so that equal arrays are equal bytes in any year", () => {
  const header = new DataView(npzBytes({ x: tensor([2], [1, 2]) }).buffer);
  // APPNOTE 4.4.6: hours from bit 11 on; years since 1980 from bit 9 on, months from bit 5 on, days.
  expect(header.getUint16(10, true)).toBe(12 << 11);
  expect(header.getUint16(12, true)).toBe((0 << 9) | (1 << 5) | 1);
});
