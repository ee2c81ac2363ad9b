import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../../math/tensor.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** Made by hand from the format's description: one array [2] of float32, 1.5 and -2. */
function handmade(): Uint8Array {
  const header =
    '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"by":"hand"}}';
  const bytes = new Uint8Array(8 + header.length + 8);
  bytes[0] = header.length;
  bytes.set(new TextEncoder().encode(header), 8);
  const numbers = new DataView(bytes.buffer, 8 + header.length);
  numbers.setFloat32(0, 1.5, true);
  numbers.setFloat32(4, -2, true);
  return bytes;
}

const sample = () =>
  writeSafetensors({
    tensors: {
      "a.weight": tensor([2, 3], [1, 2, 3, 4, 5, 6]),
      é: tensor([], [7]),
      none: tensor([0]),
    },
    metadata: { step: "12", text: 'quotes " and ünïcode' },
  });

describe("safetensors", () => {
  it("reads a hand-made file with unaligned arrays", async () => {
    expect(await readSafetensors(handmade())).toEqual({
      tensors: { w: tensor([2], [1.5, -2]) },
      metadata: { by: "hand" },
      verified: false,
    });
  });

  it("writes the format: length, JSON, little-endian arrays without gaps", async () => {
    const bytes = await sample();
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header["a.weight"]).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [0, 24] });
    expect(header.é).toEqual({ dtype: "F32", shape: [], data_offsets: [24, 28] });
    expect(new DataView(bytes.buffer, 8 + length).getFloat32(8, true)).toBe(3);
    expect(bytes.length).toBe(8 + length + 28);
  });

  it("keeps every bit, also of NaN and −0", async () => {
    const arrays = fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => !/^(__.*__|\d+)$/.test(name)),
      fc.float32Array({ maxLength: 9 }),
    );
    await fc.assert(
      fc.asyncProperty(
        arrays,
        fc.dictionary(fc.constantFrom("a", "b"), fc.string()),
        async (data, metadata) => {
          const tensors = Object.fromEntries(
            Object.entries(data).map(([name, values]) => [name, tensor([values.length], values)]),
          );
          const read = await readSafetensors(await writeSafetensors({ tensors, metadata }));
          expect(read.verified).toBe(true);
          expect({ ...read.metadata }).toEqual({ ...metadata });
          expect(Object.keys(read.tensors)).toEqual(Object.keys(tensors));
          for (const [name, { data: values }] of Object.entries(read.tensors))
            expect(new Uint32Array(values.slice().buffer)).toEqual(
              new Uint32Array(data[name].slice().buffer),
            );
        },
      ),
      { numRuns: 50 },
    );
  });

  it("refuses a file truncated anywhere", async () => {
    const bytes = await sample();
    for (let length = 0; length < bytes.length; length++)
      await expect(readSafetensors(bytes.slice(0, length)), `${length}`).rejects.toThrow(
        /^it |^its /,
      );
  });

  it("refuses a file with any flipped bit, or reports that it has no checksum", async () => {
    const bytes = await sample();
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] ^= 1 << (at % 8);
      const read = readSafetensors(damaged).then(({ verified }) => verified);
      expect(await read.catch(() => false), `byte ${at}`).toBe(false);
    }
  });

  const stated = (header: unknown, numbers = 8): Uint8Array => {
    const text = new TextEncoder().encode(
      typeof header === "string" ? header : JSON.stringify(header),
    );
    const bytes = new Uint8Array(8 + text.length + numbers);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    return bytes;
  };
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };

  it.each([
    ["no object", "null", "its header is not an object"],
    ["a list", "[]", "its header is not an object"],
    ["an entry that is not an object", { w: 5 }, 'its array "w" is stated without'],
    ["no offsets", { w: { dtype: "F32", shape: [2] } }, 'its array "w" is stated without'],
    [
      "a shape that is a string",
      { w: { ...entry, shape: "2" } },
      'its array "w" is stated without',
    ],
    ["lengths below 0", { w: { ...entry, shape: [-2, -1] } }, 'its array "w" is stated without'],
    ["offsets backwards", { w: { ...entry, data_offsets: [8, 0] } }, 'array "w" is stated without'],
    [
      "a name of prototypes",
      `{"__proto__":${JSON.stringify(entry)}}`,
      'array "__proto__" is stated',
    ],
    ["arrays that share bytes", { v: entry, w: entry }, "it ends before its arrays do, or they"],
    [
      "2^80 elements",
      { w: { ...entry, shape: [2 ** 40, 2 ** 40] } },
      "its array w has 8 bytes for",
    ],
    ["metadata that are not texts", { __metadata__: { a: 1 } }, "its metadata are not texts"],
    [
      "a checksum and lists 100,000 deep",
      `{"__metadata__":{"sha256":"00"},"w":${"[".repeat(1e5)}${"]".repeat(1e5)}}`,
      'its array "w" is stated without',
    ],
  ])("refuses a header that is or has %s", async (_, header, message) => {
    await expect(readSafetensors(stated(header))).rejects.toThrow(message);
  });

  it("refuses a header with offsets beyond the file, or beyond the range of integers", async () => {
    const bytes = await sample();
    for (const length of [2n ** 63n, 2n ** 32n, BigInt(bytes.length)]) {
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      await expect(readSafetensors(bytes)).rejects.toThrow("it ends inside its header");
    }
  });
});
