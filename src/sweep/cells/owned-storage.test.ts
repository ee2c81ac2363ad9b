import { gzipSync } from "fflate";
import { expect, it } from "vitest";
import { memoryStorage } from "../../files/storage/storage.ts";
import { inherit, ownedStorage } from "./owned-storage.ts";

it("the next attempt inherits the run and its checkpoints, and no result", async () => {
  const [from, to] = [memoryStorage("a"), memoryStorage("b")];
  const names = ["run/metrics.jsonl", "run/checkpoints/epoch-1.safetensors", "out/model.onnx"];
  for (const name of [...names, "state.json"]) await from.write(name, name);
  await inherit(from, to);
  const copied = names.filter((name) => !name.startsWith("out/"));
  for (const name of copied) expect(new TextDecoder().decode(await to.read(name))).toBe(name);
  expect(await to.readIfThere("out/model.onnx")).toBeNull();
  expect(await to.readIfThere("state.json")).toBeNull();
});

it("the next attempt goes on from files that were packed for a repository", async () => {
  const [from, to] = [memoryStorage("a"), memoryStorage("b")];
  const bytes = Uint8Array.of(1, 2, 3);
  await from.write("run/checkpoints/epoch-1.safetensors.gz", gzipSync(bytes));
  await inherit(from, to);
  expect(await to.read("run/checkpoints/epoch-1.safetensors")).toEqual(bytes);
  expect(await to.readIfThere("run/checkpoints/epoch-1.safetensors.gz")).toBeNull();
});

it("a folder of an attempt is a separate storage, which needs no lease", async () => {
  const whole = memoryStorage("a");
  const own = ownedStorage(whole, "run");
  await own.write("x", "1");
  expect(await whole.readIfThere("run/x")).not.toBeNull();
  expect(await (await own.lease("lease", { owned: "run", remedy: "" })).isHeld()).toBe(true);
});
