import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { contentsKind, otherKind } from "./kind.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const hex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const zip = (...names: string[]): Uint8Array =>
  zipSync(Object.fromEntries(names.map((name) => [name, new Uint8Array([1, 2, 3])])));

describe("a file given for another", () => {
  it.each([
    ["empty", new Uint8Array()],
    ["lfs-pointer", bytes("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n")],
    ["html", bytes("\n<!DOCTYPE html>\n<html><body>404</body></html>")],
    ["html", bytes("<!-- saved from url=(0014) -->\r\n<html lang=en>")],
    ["openvino", bytes('<?xml version="1.0"?>\n<net name="m" version="11">')],
    ["xml", bytes('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ["tflite", bytes("\x1c\0\0\0TFL3\x14\0")],
    ["ort", bytes("\x1c\0\0\0ORTM\x14\0")],
    ["hdf5", bytes("\x89HDF\r\n\x1a\n\0\0")],
    ["pytorch", zip("archive/data.pkl", "archive/version", "archive/data/0")],
    ["pytorch", zip("model/constants.pkl", "model/code/__torch__.py")],
    ["keras", zip("metadata.json", "config.json", "model.weights.h5")],
    ["npz", zip("x.npy", "y.npy")],
    ["zip", zip("model.onnx")],
    ["npy", bytes("\x93NUMPY\x01\0")],
    ["pickle", hex("80027d7100")],
    ["pickle", hex("8004951a000000")],
    ["image", bytes("\x89PNG\r\n\x1a\n")],
    ["image", hex("ffd8ffe000104a46")],
    ["safetensors", bytes('\x40\0\0\0\0\0\0\0{"a":{}}')],
    ["archive", bytes("7z\xbc\xaf\x27\x1c")],
    ["gzip", hex("1f8b0800")],
    // tf.compat.v1 graph: node { name: "x" op: "Placeholder" …
    ["tensorflow", bytes("\x0a\x2d\x0a\x01x\x12\x0bPlaceholder*\x0b")],
    // SavedModel: version 1, one MetaGraphDef of 300 bytes that begins with its MetaInfoDef
    ["tensorflow", bytes("\x08\x01\x12\xac\x02\x0a\x40\x22\x05serve")],
    ["coreml", bytes("\x08\x04\x12\x42\x0a\x15\x0a\x05image")],
    ["json", bytes('{"model": 1}')],
    ["text", bytes("(declare-const X_0 Real)\n")],
  ])("is recognised: %s", (code, contents) => {
    expect(contentsKind(contents)?.code).toBe(code);
  });

  it("is no ONNX model by mistake, nor the reverse", () => {
    const model = onnxFile([nodeOf("Relu", ["x"], ["y"])], {
      inputs: { x: ["n", 2] },
      outputs: { y: ["n", 2] },
    });
    expect(contentsKind(model)?.code).toBe("onnx");
    expect(otherKind("m.onnx", model, "an ONNX model", ["onnx"])).toBeUndefined();
    // PyTorch and tf2onnx write their names behind the version, keras2onnx a long one.
    for (const start of [
      "\x08\x07\x12\x07pytorch\x1a\x051.9.0",
      "\x08\x08\x12\x08tf2onnx\x1a",
      "\x08\x0a\x3a",
    ])
      expect(contentsKind(bytes(start))?.code).toBe("onnx");
    expect(contentsKind(hex("00ff00ff00ff00ff00ff"))).toBeUndefined();
  });

  it("is named with its size and the next step", () => {
    const text = otherKind("m.onnx", zip("a/data.pkl"), "an ONNX model", ["onnx"]);
    expect(text).toMatch(
      /^m\.onnx is a PyTorch file \(\d+ bytes\), and an ONNX model is needed; export it with torch\.onnx\.export/,
    );
  });
});
