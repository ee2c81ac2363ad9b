import { afterEach, expect, it, vi } from "vitest";
import { UsageError } from "../../math/usage-error.ts";
import { faultOf, fileAddresses } from "./web-files.ts";

afterEach(() => vi.unstubAllGlobals());

const inPage = () => vi.stubGlobal("location", { href: "http://site/app/index.html" });

it.each([
  ["/ort/", "http://site/ort/a.wasm"],
  ["/ort", "http://site/ort/a.wasm"],
  ["ort", "http://site/app/ort/a.wasm"],
  ["https://cdn/ort/", "https://cdn/ort/a.wasm"],
  [new URL("https://cdn/ort"), "https://cdn/ort/a.wasm"],
])("a folder %s holds the .wasm file, relative to the page", (folder, wasm) => {
  inPage();
  expect(fileAddresses(folder, "a.wasm")).toEqual({ wasm });
});

it("files may be named one by one, and need not be", () => {
  inPage();
  expect(fileAddresses({ wasm: "b.wasm" }, "a.wasm")).toEqual({ wasm: "http://site/app/b.wasm" });
  expect(fileAddresses({ mjs: "/b.mjs" }, "a.wasm")).toEqual({ mjs: "http://site/b.mjs" });
  expect(fileAddresses(undefined, "a.wasm")).toEqual({});
});

it("without a page, as in Node, an address stays as it is", () => {
  expect(fileAddresses("/ort", "a.wasm")).toEqual({ wasm: "/ort/a.wasm" });
});

it.each([[""], [null], [3], [{ wsm: "a" }], [{ wasm: "" }]])(
  "refuses %j as an address",
  (wasmPaths) => {
    expect(() => fileAddresses(wasmPaths, "a.wasm")).toThrow(UsageError);
  },
);

const serving = (body: string, init: ResponseInit) =>
  vi.stubGlobal("fetch", async () => new Response(body, init));
const typed = (type: string) => ({ headers: { "content-type": type } });

it("says what is wrong with a file, and nothing about one that looks right", async () => {
  serving("\0asm1", typed("application/octet-stream"));
  expect(await faultOf("http://site/a.wasm?v=1")).toBeUndefined();
  serving("<!doctype html>", typed("text/html"));
  expect(await faultOf("http://site/a.wasm")).toContain(
    "sends text/html, which is not WebAssembly",
  );
  expect(await faultOf("http://site/a.mjs")).toContain("sends text/html, which is not JavaScript");
  serving("", { status: 403, statusText: "Forbidden" });
  expect(await faultOf("http://site/a.wasm")).toBe("the server answers 403 Forbidden");
  serving("export {}", typed("text/javascript"));
  expect(await faultOf("http://site/a.mjs")).toBeUndefined();
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  expect(await faultOf("http://site/a.wasm")).toBe("it cannot be fetched");
});
