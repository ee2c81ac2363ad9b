import { expect, it } from "vitest";
import { portableHost } from "./host.ts";
import { nodeHost } from "./node.ts";

it("a page and Node give the same hash, that of FIPS 180-4's example", async () => {
  const parts = ["a", "", "bc"].map((text) => new TextEncoder().encode(text));
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(await nodeHost.sha256(parts)).toBe(expected);
  expect(await portableHost.sha256(parts)).toBe(expected);
});
