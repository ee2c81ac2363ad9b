import { expect, it } from "vitest";
import { data, good, network, place, removeFolder } from "../../test/fixtures/audit-fixture.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Note } from "../math/note.ts";
import { type FileTraining, trainFileInNode } from "./node.ts";

removeFolder();

/** What the training of a file says of how it is read. */
async function said(path: string, more: Partial<FileTraining> = {}) {
  const notes: Note[] = [];
  const runtime = await nodeRuntime({ threads: 1 });
  const where = { path, out: place(), runtime, note: (one: Note) => void notes.push(one) };
  const options = { defense: "standard", data: `npz:${data}`, batch: 32, epochs: 1 };
  for await (const _ of trainFileInNode(options, Object.assign(where, more)));
  const codes = ["other-preprocessing", "saturated-softmax"];
  return notes.filter(({ code }) => codes.includes(code));
}

it("a file that is trained with another preprocessing than its own is said to be", async () => {
  const bytes = network("bytes", { bias: [3, 0, 0, 0], gain: 0.1 });
  const out = place();
  const [{ code, text }, ...others] = await said(bytes, { out });
  expect(code).toBe("other-preprocessing");
  expect(text).toContain(
    "8 of the first 32 images are right with the declared preprocessing, and 32 with --scale 255",
  );
  expect(others).toEqual([]);
  expect(await said(bytes, { scale: 255 })).toEqual([]);
  // Only a new run is compared.
  expect(await said(bytes, { out, resume: true })).toEqual([]);
});

it("a file whose logits are far apart on nearly all images is said to be", async () => {
  const [{ code }] = await said(network("loud", { gain: 1e6 }));
  expect(code).toBe("saturated-softmax");
});

it("nothing is said of a file that is right on nearly all images", async () => {
  expect(await said(good)).toEqual([]);
});
