import { expect, it } from "vitest";
import { nodeHost } from "../files/host/node.ts";
import { forgetPlugins, rememberPlugin } from "../math/plugin.ts";
import { type CellWork, keyedWork } from "./cell.ts";
import { canonicalJson, codeOfPlugins, keyOfValue } from "./key.ts";

const work: CellWork = {
  kind: "evaluate",
  options: { steps: 2, attacks: ["none"] },
  data: { name: "shapes", sha256: "d" },
  range: { from: 0, to: 4 },
  model: { file: "/a/m.onnx", sha256: "m", reading: {} },
  inputs: [],
  code: "0.1.0-1",
  target: { device: "cpu", threads: 1, lowering: "plain", engine: "e" },
};
const key = (change: Partial<CellWork>) =>
  keyOfValue(keyedWork(Object.assign({}, work, change)), nodeHost);

it("a key is 64 hexadecimal digits, and does not depend on the order of options or on absent ones", async () => {
  const plain = await key({});
  expect(plain).toMatch(/^[0-9a-f]{64}$/);
  expect(await key({ options: { attacks: ["none"], steps: 2, noise: undefined } })).toBe(plain);
});

it("a key depends on the contents of files and data, not on where they lie", async () => {
  const plain = await key({});
  expect(await key({ model: { file: "/b/n.onnx", sha256: "m", reading: {} } })).toBe(plain);
  expect(await key({ data: { name: "npz:b", sha256: "d" } })).toBe(plain);
});

it.each<[string, Partial<CellWork>]>([
  ["an option", { options: { steps: 3, attacks: ["none"] } }],
  ["the data", { data: { name: "shapes", sha256: "e" } }],
  ["the range", { range: { from: 0, to: 5 } }],
  ["the model", { model: { file: "/a/m.onnx", sha256: "n", reading: {} } }],
  ["how a model is read", { model: { file: "/a/m.onnx", sha256: "m", reading: { scale: 255 } } }],
  ["an input", { inputs: ["k"] }],
  ["the code", { code: "0.1.0-2" }],
  ["a plug-in", { plugins: ["p"] }],
  ["the device", { target: { ...work.target, device: "webgpu" } }],
  ["the threads", { target: { ...work.target, threads: 2 } }],
  ["the lowering", { target: { ...work.target, lowering: "blocked-8" } }],
  ["the engine", { target: { ...work.target, engine: "f" } }],
])("a key depends on %s", async (_, change) => {
  expect(await key(change)).not.toBe(await key({}));
});

it("work names the contents of the plug-ins that are loaded, whatever they are called", () => {
  forgetPlugins();
  expect(codeOfPlugins()).toBeUndefined();
  rememberPlugin("./b.mjs", "2");
  rememberPlugin("./a.mjs", "1");
  expect(codeOfPlugins()).toEqual(["1", "2"]);
  rememberPlugin("./a.mjs", "3");
  expect(codeOfPlugins()).toEqual(["1", "2", "3"]);
  forgetPlugins();
});

it("canonical JSON sorts names at every depth and keeps the order of lists", () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }, 2], a: undefined })).toBe(
    '{"b":[{"c":null,"d":1},2]}',
  );
});
