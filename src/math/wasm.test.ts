import { afterEach, expect, it, vi } from "vitest";
import { wasm } from "./sums.wasm.ts";
import { instances } from "./wasm.ts";

interface Kernels {
  single(x: number, y: number, quads: number): void;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

it.each([1, 2 ** 16, 2 ** 16 + 1, 10 ** 6])("%d bytes of memory are there, all zeros", (bytes) => {
  const buffer = instances<Kernels>(wasm)(bytes)?.buffer;
  expect(buffer?.byteLength).toBe(Math.ceil(bytes / 2 ** 16) * 2 ** 16);
  expect(new Uint8Array(buffer ?? []).every((byte) => byte === 0)).toBe(true);
});

it("instances of one module have a memory each", () => {
  const make = instances<Kernels>(wasm);
  const sums = [true, false].map((fill) => {
    const instance = make(32);
    if (instance === null) throw new Error("no WebAssembly");
    const numbers = new Float32Array(instance.buffer, 0, 8);
    if (fill) numbers.set([1, 2, 3, 4, 10, 20, 30, 40]);
    instance.run.single(0, 16, 1);
    return [...numbers.subarray(0, 4)];
  });
  expect(sums).toEqual([
    [11, 22, 33, 44],
    [0, 0, 0, 0],
  ]);
});

it("more memory than WebAssembly has is null", () => {
  expect(instances<Kernels>(wasm)(2 ** 33)).toBeNull();
});

it("a host without WebAssembly is null", () => {
  vi.stubGlobal("WebAssembly", undefined);
  expect(instances<Kernels>(wasm)(32)).toBeNull();
});

it("a host that refuses the module, as one without SIMD does, is null", () => {
  class Module {
    constructor() {
      throw new Error("invalid opcode 0xfd");
    }
  }
  vi.stubGlobal("WebAssembly", { Module });
  expect(instances<Kernels>(wasm)(32)).toBeNull();
});
