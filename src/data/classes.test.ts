import { describe, expect, it } from "vitest";
import { namesInConfig, outputsOfFolders, parseOutputNames } from "./classes.ts";

const index = `{"0": ["n01440764", "tench"], "2": ["n01494475", "hammerhead"], "1": ["n01443537", "goldfish"]}`;
const synsets = "n01440764 tench, Tinca tinca\r\nn01443537 goldfish, Carassius auratus\r\n";

describe("parseOutputNames", () => {
  it.each([
    ["a line each", "cat\ngolden retriever\n", [["cat"], ["golden retriever"]]],
    ["a JSON list", `["cat", "golden retriever"]`, [["cat"], ["golden retriever"]]],
    ["index to name", `{"1": "golden retriever", "0": "cat"}`, [["cat"], ["golden retriever"]]],
    ["name to index", `{"golden retriever": 1, "cat": 0}`, [["cat"], ["golden retriever"]]],
    [
      "ImageNet's class index",
      index,
      [
        ["n01440764", "tench"],
        ["n01443537", "goldfish"],
        ["n01494475", "hammerhead"],
      ],
    ],
    [
      "ImageNet's synset list",
      synsets,
      [
        ["n01440764", "tench, Tinca tinca"],
        ["n01443537", "goldfish, Carassius auratus"],
      ],
    ],
    [
      "ids alone, after a byte order mark",
      "\uFEFFn01440764\nn01443537",
      [["n01440764"], ["n01443537"]],
    ],
  ])("reads %s", (_, text, expected) => {
    const names = parseOutputNames(text, "f");
    expect(expected.map((__, i) => names.get(i))).toEqual(expected);
    expect(names.size).toBe(expected.length);
  });

  it.each([
    ["", /f names no classes/],
    ["[1, 2]", /f: entry 0 is 1; a class has a name/],
    ["[[]]", /f: entry 0 is \[\]/],
    [`{"cat": "dog"}`, /f: "cat" is neither the index of an output nor a name/],
    [`{"cat": 1.5}`, /neither the index/],
    ["[1, 2", /f begins like JSON but is not JSON/],
    ["{}", /f names no classes/],
  ])("refuses %j", (text, message) => {
    expect(() => parseOutputNames(text, "f")).toThrow(
      expect.objectContaining({ code: "bad-file" }),
    );
    expect(() => parseOutputNames(text, "f")).toThrow(message);
  });
});

describe("outputsOfFolders", () => {
  const imagenet = parseOutputNames(index, "f");

  it("without a file is the order of folders, where that can be right", () => {
    expect(outputsOfFolders(["a", "b", "c"], 3)).toEqual([0, 1, 2]);
    expect(() => outputsOfFolders(["a", "b"], 1000)).toThrow(
      /there are 2 class folders and the network has 1000 outputs.*--classes FILE$/,
    );
    expect(() => outputsOfFolders(["n01440764"], 1000)).toThrow(/which knows WordNet ids$/);
  });

  it("finds folders by any of an output's names, whatever their case and their dashes", () => {
    expect(outputsOfFolders(["n01494475", "n01440764"], 1000, imagenet)).toEqual([2, 0]);
    expect(outputsOfFolders(["Goldfish"], 3, imagenet)).toEqual([1]);
    const pets = parseOutputNames("Golden Retriever\nbig-cat", "f");
    expect(outputsOfFolders(["golden_retriever", "Big Cat"], 2, pets)).toEqual([0, 1]);
  });

  it("finds folders by one of an ImageNet label's synonyms, with or without an id", () => {
    const labels = parseOutputNames(
      "tench, Tinca tinca\nEnglish springer, English springer spaniel",
      "f",
    );
    expect(outputsOfFolders(["English springer", "tench"], 2, labels)).toEqual([1, 0]);
    expect(outputsOfFolders(["Tinca_tinca"], 2, parseOutputNames(synsets, "f"))).toEqual([0]);
    const cranes = parseOutputNames("crane, bird\ncrane, machine", "f");
    expect(() => outputsOfFolders(["crane"], 2, cranes)).toThrow(/to outputs 0 and 1/);
  });

  it("takes letters with accents as one, whichever way they are written", () => {
    const names = parseOutputNames("K\u00f6ln\ne\u0301t\u00e9", "f");
    expect(outputsOfFolders(["\u00e9te\u0301", "Ko\u0308ln"], 2, names)).toEqual([1, 0]);
  });

  it("reads a config.json's id2label, and no placeholders", () => {
    const config = { model_type: "vit", id2label: { 0: "cat", 1: "dog, hound" } };
    const names = parseOutputNames(JSON.stringify(config), "config.json");
    expect(outputsOfFolders(["hound", "cat"], 2, names)).toEqual([1, 0]);
    expect(namesInConfig(config, "f")).toEqual(names);
    const placeholders = { id2label: { 0: "LABEL_0", 1: "LABEL_1" } };
    expect(namesInConfig(placeholders, "f")).toBeNull();
    expect(namesInConfig({ label_names: ["a", "b"] }, "f")?.get(1)).toEqual(["b"]);
    expect(namesInConfig("no object", "f")).toBeNull();
  });

  it("prefers the name as it is written", () => {
    const names = parseOutputNames("us\nUS", "f");
    expect(outputsOfFolders(["US", "us"], 2, names)).toEqual([1, 0]);
  });

  it("refuses what has no output, two, or one that is not there", () => {
    expect(() => outputsOfFolders(["goldfsh"], 3, imagenet)).toThrow(/did you mean goldfish\?/);
    expect(() => outputsOfFolders(["tench", "n01440764"], 3, imagenet)).toThrow(
      /folders tench and n01440764 are both output 0; join them/,
    );
    const cranes = parseOutputNames("crane\ntench\ncrane", "f");
    expect(() => outputsOfFolders(["crane"], 3, cranes)).toThrow(/to outputs 0 and 2/);
    expect(() => outputsOfFolders(["tench"], 2, imagenet)).toThrow(
      /names output 2 \(n01494475, hammerhead\), but the network has 2: 0 to 1/,
    );
  });
});
