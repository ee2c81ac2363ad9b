// What `rampart audit --resume` accepts: the images, the model and the rows that it began with.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, describe, expect, it } from "vitest";
import {
  count,
  data,
  good,
  labels,
  network,
  pixels,
  place,
  removeFolder,
  resultOf,
  rowsOf,
  size,
  typed,
} from "../../test/fixtures/audit-fixture.ts";
import { typed as typedWords } from "../../test/fixtures/typed-fixture.ts";
import { auditInNode } from "../audit/node.ts";
import { AuditOptions } from "../audit/options.ts";
import { npzBytes } from "../data/npz.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Row } from "../evaluate/row.ts";
import { rowName } from "../evaluate/runs.ts";
import { tensor } from "../math/tensor.ts";

afterAll(removeFolder);

const quick = ["--budget", "quick", "--norms", "linf", "--epsilon-linf", "0.2"];

/** The words of an audit of the first images of some data. */
const wordsOf = (data: string, out: string, ...more: string[]): string[] => [
  good,
  "--data",
  data,
  "--out",
  out,
  ...quick,
  ...more,
];

describe("an audit is not continued", () => {
  /** An .npz of the images of the fixture, with the pixels changed by a function. */
  function npz(change: (value: number, at: number) => number): string {
    const path = `${place()}.npz`;
    const x = tensor([count, 1, 4, 4], pixels.map(change));
    writeFileSync(path, npzBytes({ x, y: tensor([count], labels) }));
    return path;
  }

  it("on an .npz that was replaced, if one pixel of an image with a row changed", async () => {
    const [path, out] = [npz((value) => value), place()];
    expect((await typed(wordsOf(`npz:${path}`, out, "--examples", "4"))).code).toBe(0);
    // Searches state their images too, and are read first.
    rmSync(join(out, "radii.jsonl"));
    const resume = ["--examples", "8", "--resume"];
    cpSync(
      npz((value, at) => (at === 3 * size ? value / 2 : value)),
      path,
    );
    const { code, err } = await typed(wordsOf(`npz:${path}`, out, ...resume));
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(
        /rows\.jsonl:\d+ is not a row of this evaluation: the checksum of its image is \w{8}, but that of test image 3 is \w{8};\s+restore the images/,
      ),
    ]);
    // An image that has no row may be another one.
    cpSync(
      npz((value, at) => (at === 4 * size ? value / 2 : value)),
      path,
    );
    expect((await typed(wordsOf(`npz:${path}`, out, ...resume))).code).toBe(0);
  });

  it("on a folder in which a new image moves the others, though every label stays where it was", async () => {
    const [root, out] = [place(), place()];
    const write = (i: number, name: string) => {
      const own = pixels.slice(i * size, (i + 1) * size);
      const data = Uint8Array.from(own, (value) => Math.round(255 * value));
      const folder = join(root, ["a", "b", "c", "d"][labels[i]]);
      mkdirSync(folder, { recursive: true });
      const image = { width: 4, height: 4, channels: 1, depth: 8, data } as const;
      writeFileSync(join(folder, name), encode(image));
    };
    for (let i = 0; i < 16; i++) write(i, `${i + 10}.png`);
    expect((await typed(wordsOf(`folder:${root}`, out, "--examples", "8"))).code).toBe(0);
    rmSync(join(out, "radii.jsonl"));
    write(16, "00.png");
    const more = ["--examples", "12", "--resume"];
    const { code, err } = await typed(wordsOf(`folder:${root}`, out, ...more));
    expect([code, err]).toEqual([
      2,
      expect.stringContaining("it is about a/10.png, but test image 0 is a/00.png"),
    ]);
  });

  it("with rows that another process computed about other images", async () => {
    const { path, out } = { path: npz((value) => value), out: place() };
    expect((await typed(wordsOf(`npz:${path}`, out, "--examples", "4"))).code).toBe(0);
    const runtime = await nodeRuntime({ threads: 1 });
    const options = AuditOptions.parse({
      budget: "quick",
      norms: ["linf"],
      epsilonLinf: [0.2],
      examples: 4,
    });
    const audited = async (rows: readonly Row[]): Promise<number> => {
      let events = 0;
      const request = { runtime, data: `npz:${path}` };
      const attackElsewhere = async function* () {
        yield { rows, images: null };
      };
      for await (const { event } of auditInNode(good, options, request, { attackElsewhere }))
        if (event === "row") events++;
      return events;
    };
    const rows = rowsOf(out);
    expect(await audited(rows)).toBe(rows.length);
    const other = rows.map((row) => Object.assign({}, row, { image: "00000000" }));
    await expect(audited(other)).rejects.toMatchObject({ code: "misfit" });
  });
});

it("an audit is complete after its damaged line is deleted, though a later attack broke that image", async () => {
  const out = place();
  // FGSM gets no gradient through the rounding, and Square breaks the images.
  const [, ...others] = wordsOf(`npz:${data}`, out, "--examples", "8");
  const words = [network("rounding", { round: true }), ...others];
  expect((await typed(words)).code).toBe(0);
  const [path, whole] = [join(out, "rows.jsonl"), rowsOf(out)];
  const later = whole.find(({ attack, correct }) => attack !== "fgsm-linf" && correct === 0);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const earlier = lines.findIndex((line) => {
    const { index, attack } = JSON.parse(line);
    return index === later?.index && attack === "fgsm-linf";
  });
  const damaged = lines.map((line, i) => (i === earlier ? line.replace("steps", "stepz") : line));
  writeFileSync(path, `${damaged.join("\n")}\n`);
  rmSync(join(out, "summary.json"));
  const refused = await typed([...words, "--resume"]);
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("delete that line")]);
  writeFileSync(path, `${lines.filter((_, i) => i !== earlier).join("\n")}\n`);
  expect((await typed([...words, "--resume"])).code).toBe(0);
  const names = (rows: readonly Row[]) => rows.map(rowName).sort();
  expect(names(rowsOf(out))).toEqual(names(whole));
  expect(resultOf(out).examples).toBe(8);
});

it("an interrupted audit does not pass compare --max-drop", async () => {
  const [whole, killed] = [place(), place()];
  const more = ["--examples", "8", "--norms", "linf,l2", "--epsilon-linf", "0.2"];
  expect((await typed(wordsOf(`npz:${data}`, whole, ...more))).code).toBe(0);
  cpSync(whole, killed, { recursive: true });
  const lines = readFileSync(join(whole, "rows.jsonl"), "utf8").split("\n");
  writeFileSync(join(killed, "rows.jsonl"), `${lines.slice(0, 8).join("\n")}\n`);
  const gate = async () => typedWords(["compare", whole, killed, "--max-drop", "0.02"]);
  expect([(await gate()).code, (await gate()).err]).toEqual([
    2,
    expect.stringMatching(/is not finished: images have not been tried by .*-l2 at 0\.83/),
  ]);
  rmSync(join(killed, "summary.json"));
  expect((await gate()).code).toBe(2);
  cpSync(join(whole, "rows.jsonl"), join(killed, "rows.jsonl"));
  expect((await gate()).err).toContain("has no summary.json, which an audit writes at its end");
  const resume = [...wordsOf(`npz:${data}`, killed, ...more), "--resume"];
  expect((await typed(resume)).code).toBe(0);
  expect((await gate()).code).toBe(0);
});

describe("searches for smallest radii", () => {
  /** A finished audit of four images; returns its folder. */
  async function audited(path = `npz:${data}`): Promise<string> {
    const out = place();
    expect((await typed(wordsOf(path, out, "--examples", "4"))).code).toBe(0);
    return out;
  }
  const searchesIn = (out: string) => readFileSync(join(out, "radii.jsonl"), "utf8");
  /** The audit of another network in the same folder. */
  const ofOther = (out: string, ...more: string[]) => {
    const [, ...others] = wordsOf(`npz:${data}`, out, "--examples", "4", ...more);
    return typed([network("shifted", { bias: [0.1, 0, 0, 0] }), ...others]);
  };

  it("of another model are refused before the attacks, with --resume and without", async () => {
    const out = await audited();
    rmSync(join(out, "rows.jsonl"));
    const resumed = await ofOther(out, "--resume");
    expect([resumed.code, resumed.err]).toEqual([
      2,
      expect.stringMatching(
        /radii\.jsonl holds rows with model "\w+", but this run has model "\w+"/,
      ),
    ]);
    const begun = await ofOther(out);
    expect([begun.code, begun.err]).toEqual([
      2,
      expect.stringContaining("radii.jsonl already holds rows"),
    ]);
    expect(existsSync(join(out, "rows.jsonl"))).toBe(false);
  });

  it("of other images are refused", async () => {
    const path = `${place()}.npz`;
    cpSync(data, path);
    const out = await audited(`npz:${path}`);
    rmSync(join(out, "rows.jsonl"));
    const x = tensor(
      [count, 1, 4, 4],
      pixels.map((value) => value / 2),
    );
    writeFileSync(path, npzBytes({ x, y: tensor([count], labels) }));
    const { code, err } = await typed(wordsOf(`npz:${path}`, out, "--examples", "4", "--resume"));
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/radii\.jsonl:1 is not a row of this audit: the checksum/),
    ]);
  });

  it("of the same model are not repeated, though the rows of the attacks are gone", async () => {
    const out = await audited();
    const before = searchesIn(out);
    rmSync(join(out, "rows.jsonl"));
    const more = ["--examples", "4", "--resume"];
    expect((await typed(wordsOf(`npz:${data}`, out, ...more))).code).toBe(0);
    expect(searchesIn(out)).toBe(before);
  });

  it("without settings, as earlier versions wrote them, belong to the rows of attacks beside them", async () => {
    const out = await audited();
    const settings = join(out, "radii.settings.json");
    const stored = readFileSync(settings, "utf8");
    rmSync(settings);
    // Another model is refused by the rows of attacks, and leaves no settings.
    const other = await ofOther(out, "--resume");
    expect([other.code, other.err]).toEqual([2, expect.stringContaining("rows.jsonl holds rows")]);
    expect(existsSync(settings)).toBe(false);
    const more = ["--examples", "8", "--resume"];
    expect((await typed(wordsOf(`npz:${data}`, out, ...more))).code).toBe(0);
    const compared = (text: string) => JSON.parse(text).compared;
    expect(compared(readFileSync(settings, "utf8"))).toEqual(compared(stored));
    for (const name of ["radii.settings.json", "rows.jsonl"]) rmSync(join(out, name));
    const alone = await typed(wordsOf(`npz:${data}`, out, ...more));
    expect([alone.code, alone.err]).toEqual([
      2,
      expect.stringContaining("has no settings beside it"),
    ]);
  });
});
