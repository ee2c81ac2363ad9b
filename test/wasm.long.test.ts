import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { compile, fileOf, modules } from "../scripts/wasm.ts";

const committed = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8");

const all = Object.entries(modules);

it.each(all)("%s compiles to the committed bytes of %s", async (source, file) => {
  expect(fileOf(source, await compile(source))).toBe(committed(file));
});

it.each(all)("%s compiles to a module that imports nothing", async (source) => {
  const { WebAssembly } = globalThis as unknown as {
    readonly WebAssembly: {
      readonly Module: { new (bytes: Uint8Array): object; imports(module: object): unknown };
    };
  };
  const module = new WebAssembly.Module(await compile(source));
  expect(WebAssembly.Module.imports(module)).toEqual([]);
});

it("a source that does not compile is an error with the compiler's message", async () => {
  await expect(compile("assembly/missing.ts")).rejects.toThrow(
    /assembly\/missing\.ts does not compile.*not found/s,
  );
});
