import { describe, expect, it } from "vitest";
import { crc32 } from "../math/crc32.ts";
import { DamagedLine, readRowLines, rowLine } from "./row-lines.ts";
import { openedJson, sealedJson } from "./sealed.ts";

const rows = [
  { model: "größe", index: 0, l2: 0.83, oneDraw: null },
  { model: 'a "quoted" name', index: 1, l2: 1e-7, oneDraw: 1 },
  { model: "b", index: 2, l2: 0, oneDraw: 0 },
];
const text = rows.map(rowLine).join("");
const values = (contents: string) =>
  readRowLines("r.jsonl", contents).rows.map(({ value }) => value);

/** The text with one bit of its UTF-8 flipped, as a reader decodes it. */
function flipped(contents: string, bit: number): string {
  const bytes = new TextEncoder().encode(contents);
  bytes[bit >> 3] ^= 1 << (bit & 7);
  return new TextDecoder().decode(bytes);
}

describe("CRC-32", () => {
  it("is that of zip and PNG, in one go or in parts", () => {
    const bytes = new TextEncoder().encode("123456789");
    expect(crc32(bytes)).toBe(0xcbf43926);
    expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });
});

describe("lines with a checksum", () => {
  it("give back what was written, the checksum last in each line", () => {
    expect(values(text)).toEqual(rows);
    expect(text.split("\n")[2]).toMatch(/"oneDraw":0,"crc":"[0-9a-f]{8}"\}$/);
    expect(JSON.parse(text.split("\n")[2])).toMatchObject({ model: "b", index: 2 });
    expect(values(rowLine({}))).toEqual([{}]);
  });

  it("with any one bit flipped are refused, cut short, or hold what was written", () => {
    const size = 8 * new TextEncoder().encode(text).length;
    for (let bit = 0; bit < size; bit++) {
      let got: readonly object[] = [];
      try {
        got = values(flipped(text, bit));
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedLine);
        continue;
      }
      // A damaged line end leaves the line to be finished; a damaged name of the checksum harms no other field.
      for (const [i, row] of got.entries()) expect(row, `bit ${bit}`).toMatchObject(rows[i]);
      expect(got.length).toBeGreaterThanOrEqual(rows.length - 1);
    }
  });

  it("may stand below older ones without, but not above", () => {
    const old = `${JSON.stringify(rows[0])}\n`;
    expect(values(old + rowLine(rows[1]))).toHaveLength(2);
    expect(() => values(rowLine(rows[1]) + old)).toThrow(
      "r.jsonl:2 is not a valid row: it has no checksum",
    );
  });

  it("are told from a last one that was cut off", () => {
    const { rows: read, whole, torn } = readRowLines("r.jsonl", text.slice(0, -10));
    expect(read).toHaveLength(2);
    expect(whole + torn).toBe(text.slice(0, -10));
  });

  it.each(["null", "3", "[1]", '"a"', "{oops"])("are objects: %s is refused", (line) => {
    expect(() => values(`${line}\n`)).toThrow("r.jsonl:1 is not a valid row: ");
  });
});

describe("a JSON document with a checksum", () => {
  const value = { options: { rate: 0.1, epochs: 3, none: undefined }, machine: { "2": 1, a: "é" } };
  const sealed = sealedJson(value);

  it("gives back what was written, whatever its white space", () => {
    expect(openedJson("s.json", sealed, "")).toEqual(JSON.parse(JSON.stringify(value)));
    expect(openedJson("s.json", JSON.stringify(JSON.parse(sealed)), "")).toEqual(
      JSON.parse(JSON.stringify(value)),
    );
  });

  it("with any one bit flipped is refused, or holds what was written", () => {
    for (let bit = 0; bit < 8 * new TextEncoder().encode(sealed).length; bit++) {
      let got: Record<string, unknown>;
      try {
        got = openedJson("s.json", flipped(sealed, bit), "start again");
      } catch (error) {
        expect((error as Error).message).toMatch(/^s\.json is damaged: .*;\n {2}start again$/);
        continue;
      }
      expect(got, `bit ${bit}`).toMatchObject(JSON.parse(JSON.stringify(value)));
    }
  });

  it.each(["null", "[]", "1", ""])("is an object: %j is refused", (contents) => {
    expect(() => openedJson("s.json", contents, "")).toThrow("s.json is damaged");
  });
});
