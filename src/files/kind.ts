// What a file is that was given where a model, arrays or rows were meant, from its first bytes.

/** A kind of file, and what its owner can do where another kind is needed. */
export interface ContentsKind {
  readonly code: string;
  /** `a PyTorch file`. */
  readonly what: string;
  readonly advice: string;
}

const latin = new TextDecoder("latin1");

/** Bytes that are looked at. */
const HEAD = 4096;

interface Head {
  readonly bytes: Uint8Array;
  /** The same as text, a letter per byte. */
  readonly text: string;
  /** The same in hexadecimal. */
  readonly hex: string;
  /** Names of the entries of a zip file, as far as its last bytes tell. */
  readonly names: string;
}

const toOnnx = {
  pytorch: "export it with torch.onnx.export, and give the .onnx file",
  tensorflow: "convert it with tf2onnx (python -m tf2onnx.convert), and give the .onnx file",
  other: "convert it to ONNX, and give the .onnx file",
} as const;

const isZip = ({ hex }: Head): boolean => hex.startsWith("504b0304");

// Protocol buffers in hexadecimal, by their first fields; a length is one byte below 80, or several.
/** Version 1 (field 1), then a graph with its description. */
const savedModel = /^080112([89a-f].)*..0a/;
/** Version (field 1), then a description of features. */
const coreMl = /^080[2-9a-f]12([89a-f].)*..0a/;
/** A node (field 1) with its name (field 1) and operator (field 2). */
const graphDef = /^0a([89a-f].)*..0a..([2-7].)+12..(4[1-9a-f]|5[0-9a])/;
/** Version (field 1), then a producer's name, the graph or an operator set. */
const onnx = /^08[0-7].(12..[2-7].|1a|22|28|32|3a|42)/;

/** First bytes of formats that pack files. */
const archives = ["377abcaf271c", "fd377a585a00", "425a68", "28b52ffd", "526172211a07"];

/** Each kind by what it begins with; the first that fits counts. */
const kinds: readonly (ContentsKind & { fits(head: Head): boolean })[] = [
  {
    code: "empty",
    what: "an empty file",
    advice: "write or download it again",
    fits: ({ bytes }) => bytes.length === 0,
  },
  {
    code: "lfs-pointer",
    what: "a Git LFS pointer, which stands for a file that was not downloaded",
    advice: "run git lfs pull in its repository, or download the file itself",
    fits: ({ text }) => text.startsWith("version https://git-lfs.github.com/spec/"),
  },
  {
    code: "html",
    what: "a web page",
    advice: "download the file itself; on a page that shows it, use the link to the raw file",
    fits: ({ text }) => /^\s*(<!--.*?-->\s*)*<(!doctype html|html|head)\b/is.test(text),
  },
  {
    code: "openvino",
    what: "the description of an OpenVINO network",
    advice: "give the ONNX file that it was converted from",
    fits: ({ text }) => /^\s*<\?xml[^>]*>\s*<net\b/.test(text),
  },
  {
    code: "xml",
    what: "an XML document",
    advice: "download the file itself; a server may have answered with an error message",
    fits: ({ text }) => /^\s*<\?xml\b/.test(text),
  },
  {
    code: "tflite",
    what: "a TensorFlow Lite model",
    advice: "convert it with tf2onnx (python -m tf2onnx.convert --tflite), and give the .onnx file",
    fits: ({ text }) => text.slice(4, 8) === "TFL3",
  },
  {
    code: "ort",
    what: "a model in ONNX Runtime's own format (.ort)",
    advice: "give the .onnx file that it was converted from",
    fits: ({ text }) => text.slice(4, 8) === "ORTM",
  },
  {
    code: "hdf5",
    what: "an HDF5 file, as Keras writes (.h5)",
    advice: toOnnx.tensorflow,
    fits: ({ hex }) => hex.startsWith("894844460d0a1a0a"),
  },
  {
    code: "pytorch",
    what: "a PyTorch file",
    advice: toOnnx.pytorch,
    fits: (head) =>
      isZip(head) && /(^|\/)(data\.pkl|constants\.pkl|\.format_version)/.test(head.names),
  },
  {
    code: "keras",
    what: "a Keras model (.keras)",
    advice: toOnnx.tensorflow,
    fits: (head) => isZip(head) && head.names.includes("model.weights.h5"),
  },
  {
    code: "npz",
    what: "an .npz file of arrays",
    advice: "arrays are data: give it as --data npz:FILE, or as --input",
    fits: (head) => isZip(head) && /\.npy(\n|$)/.test(head.names),
  },
  {
    code: "zip",
    what: "a zip archive",
    advice: "unpack it, and give the file inside",
    fits: isZip,
  },
  {
    code: "npy",
    what: "a .npy array",
    advice: "arrays are data: save x and y with numpy.savez, and give --data npz:FILE",
    fits: ({ hex }) => hex.startsWith("934e554d5059"),
  },
  {
    code: "pickle",
    what: "a Python pickle, as older PyTorch and scikit-learn write (.pt, .pth, .pkl)",
    advice: toOnnx.pytorch,
    fits: ({ bytes }) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5,
  },
  {
    code: "image",
    what: "an image",
    advice: "images go into a folder per class: give --data folder:PATH",
    fits: ({ hex, text }) =>
      /^(89504e47|ffd8ff|4749463[89])/.test(hex) || /^RIFF....WEBP/s.test(text),
  },
  {
    code: "safetensors",
    what: "a safetensors file",
    advice: "it holds arrays and no network: export the network that they belong to as ONNX",
    fits: ({ hex }) => /^.{8}000000007b/.test(hex),
  },
  {
    code: "archive",
    what: "a packed archive",
    advice: "unpack it, and give the file inside",
    fits: ({ hex, text }) =>
      archives.some((magic) => hex.startsWith(magic)) || text.slice(257, 262) === "ustar",
  },
  {
    code: "gzip",
    what: "a file packed by gzip",
    advice: "unpack it with gunzip, and give the file inside",
    fits: ({ hex }) => hex.startsWith("1f8b"),
  },
  {
    code: "tensorflow",
    what: "a TensorFlow SavedModel or graph (.pb)",
    advice: toOnnx.tensorflow,
    fits: ({ hex }) => savedModel.test(hex) || graphDef.test(hex),
  },
  {
    code: "coreml",
    what: "a Core ML model",
    advice: toOnnx.other,
    fits: ({ hex }) => coreMl.test(hex),
  },
  {
    code: "onnx",
    what: "an ONNX model",
    advice: "give it where the command takes a model",
    fits: ({ hex }) => onnx.test(hex),
  },
  {
    code: "json",
    what: "a JSON text",
    advice: "give the file that it describes",
    fits: ({ text, bytes }) => /^\s*[[{]/.test(text) && isText(bytes),
  },
  {
    code: "text",
    what: "a text",
    advice: "is it the right file?",
    fits: ({ bytes }) => isText(bytes),
  },
];

/** Control characters that texts hold: tab, line feed, form feed, carriage return, escape. */
const inTexts = [9, 10, 12, 13, 27];

const isText = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 32 || inTexts.includes(byte));

/** What a file's bytes show it to be; undefined where they do not. */
export function contentsKind(bytes: Uint8Array): ContentsKind | undefined {
  const head = bytes.subarray(0, HEAD);
  const text = latin.decode(head);
  const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const directory = bytes.subarray(Math.max(0, bytes.length - 2 ** 16));
  const names = text.startsWith("PK") ? namesIn(directory) : "";
  return kinds.find(({ fits }) => fits({ bytes: head, text, hex, names }));
}

/** Names in the directory at the end of a zip file, one per line; each follows 42 bytes behind its signature. */
const namesIn = (directory: Uint8Array): string =>
  latin
    .decode(directory)
    .split("PK\u0001\u0002")
    .slice(1)
    .map((entry) => entry.slice(42, 42 + entry.charCodeAt(24) + 256 * entry.charCodeAt(25)))
    .join("\n");

/** `m.onnx is a PyTorch file (12 bytes), and an ONNX model is needed; export it …`; undefined for kinds in `expected` and unknown ones. */
export function otherKind(
  path: string,
  bytes: Uint8Array,
  needed: string,
  expected: readonly string[],
): string | undefined {
  const kind = contentsKind(bytes);
  if (kind === undefined || expected.includes(kind.code)) return undefined;
  return `${path} is ${kind.what} (${bytes.length} bytes), and ${needed} is needed; ${kind.advice}`;
}
