import { expect, it } from "vitest";
import { input, relu } from "../graph/expressions.ts";
import { plainLowering } from "./lowerings.ts";
import { encodeGraph } from "./session.ts";
import { beginOrt, RELU, startOrt } from "./web-start.ts";

it("starts onnxruntime-web with the file that the library writes for y = Relu(x)", () => {
  const written = encodeGraph(plainLowering.lower({ y: relu(input("x", [1])) }));
  expect(Buffer.from(written).toString("base64")).toBe(RELU);
});

it("gives the error of an early start to the first that asks, and says to later ones that it was earlier", async () => {
  const addresses = { wasm: "file:///nothing/ort.wasm", mjs: "file:///nothing/ort.mjs" };
  beginOrt("wasm", { threads: 1, addresses });
  // The options of the early start hold, so this one fails as well.
  const options = { threads: 1, addresses: {} };
  const first = await startOrt("wasm", options).catch((error: unknown) => error);
  expect(first).toMatchObject({ code: "unavailable" });
  expect(String(first)).not.toMatch(/an earlier start/);
  await expect(startOrt("wasm", options)).rejects.toThrow(/an earlier start/);
});
