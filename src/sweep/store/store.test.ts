import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { storeConformance } from "../../../test/fixtures/store-conformance.ts";
import { openStore, STORE_FILE } from "./format.ts";
import { memoryStore } from "./memory.ts";
import { nodeStore, refuseOtherFolder } from "./node.ts";
import { StoreAway } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "rampart-store-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const folder = () => join(root, `s${count++}`);

storeConformance("a folder", async () => {
  const path = folder();
  return [nodeStore(path), nodeStore(path)];
});

storeConformance("memory", async () => {
  const store = memoryStore();
  return [store, store];
});

describe("a folder as a store", () => {
  it("is missing, not empty, after its disk is unmounted", async () => {
    const path = folder();
    const store = nodeStore(path);
    await openStore(store, { create: true });
    await store.create("results/k.json", "{}");
    rmSync(path, { recursive: true });
    await expect(store.list("results")).rejects.toBeInstanceOf(StoreAway);
    await expect(store.create("results/l.json", "{}")).rejects.toBeInstanceOf(StoreAway);
    await expect(store.write("times/l.json", "{}")).rejects.toMatchObject({ code: "cannot-write" });
    expect(await store.read(STORE_FILE)).toBeNull();
  });

  it("is not a file, and not a folder with other files", async () => {
    await expect(refuseOtherFolder(import.meta.dirname)).rejects.toMatchObject({ code: "in-use" });
    await expect(refuseOtherFolder(import.meta.filename)).rejects.toMatchObject({
      code: "bad-option",
    });
    await refuseOtherFolder(folder());
  });
});
