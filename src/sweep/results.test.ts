import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { nodeHost } from "../files/host/node.ts";
import { commit, manifestOf, readResult, storedFile } from "./results.ts";
import { memoryStore } from "./store/memory.ts";

const times = { owner: "", attempt: 1, started: "", ended: "", seconds: 1, removed: {} };

it("files of results may be packed by gzip, and a damaged one is refused", async () => {
  const store = memoryStore();
  const bytes = new TextEncoder().encode("rows ".repeat(100));
  await commit(store, "k", { files: new Map([["r", bytes]]), times, host: nodeHost });
  const manifest = await manifestOf(store, "k");
  const path = manifest === null ? "" : storedFile(manifest, "r");
  const packed = gzipSync(bytes);
  await store.remove(path);
  await store.write(`${path}.gz`, packed);
  expect(await readResult(store, "k", "r", nodeHost)).toEqual(bytes);
  await store.write(`${path}.gz`, packed.subarray(0, packed.length - 9));
  const reading = readResult(store, "k", "r", nodeHost);
  await expect(reading).rejects.toMatchObject({ code: "bad-file" });
});
