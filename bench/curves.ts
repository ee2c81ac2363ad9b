// What our own evaluations cost against the amount of work: time against images, steps and draws, memory against images
// and draws. Each point is a process of its own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread } from "../src/bench/measure.ts";
import { benchModel, benchTask, type Effort } from "../src/bench/task.ts";
import { type WorkName, works } from "../src/bench/works.ts";
import { writeWhole } from "../src/files/node.ts";
import { type Chart, chartMarkup } from "../src/report/chart.ts";
import { listed } from "./cases.ts";
import type { Options } from "./options.ts";
import { startOurs } from "./peer.ts";
import { writeTask } from "./task-file.ts";

/** One amount of work and its cost. */
interface Point {
  readonly amount: number;
  readonly seconds: number;
  readonly memory: number;
}

/** What is made larger, in one kind of work. */
interface Sweep {
  readonly work: WorkName & ("pgd-accuracy" | "eot");
  readonly model: string;
  readonly grows: "images" | "steps" | "eot";
  readonly effort: Partial<Effort>;
  /** Whether memory may grow with it: a table shows it anyway. */
  readonly unit: string;
}

const [, [adversariallyTrained]] = [...listed["pgd-accuracy"]];
const [[randomised]] = listed.eot;

/** Each amount twice the one before. */
const DOUBLINGS = [1, 2, 4, 8];

function sweeps({ images = 128, steps = 5, eot = 4 }: Partial<Effort>): Sweep[] {
  const deterministic = { work: "pgd-accuracy", model: adversariallyTrained } as const;
  const few = Math.max(1, Math.floor(images / 4));
  return [
    { ...deterministic, grows: "images", unit: "images", effort: { images, steps: 4 * steps } },
    { ...deterministic, grows: "steps", unit: "gradient steps", effort: { images, steps } },
    {
      work: "eot",
      model: randomised,
      grows: "eot",
      unit: "draws per step",
      effort: { images: few, steps: 4 * steps, eot },
    },
  ];
}

async function pointOf(
  { work, model, grows, effort }: Sweep,
  amount: number,
  { batch = 128, data, seed, rounds }: Options,
  threads: number,
): Promise<Point> {
  const folder = await mkdtemp(join(tmpdir(), "rampart-bench-"));
  const ours = startOurs(threads);
  try {
    const opened = await benchModel(model, { data, seed, preferred: "cifar10" });
    const whole = { ...works[work].effort(batch), ...effort, [grows]: amount };
    const task = benchTask(opened, { kind: "evaluation", batch, seed, effort: whole });
    const file = join(folder, "task.safetensors");
    await writeTask(file, task, task.network.name);
    await ours.ask("open", { work, file });
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++)
      seconds.push(...(await ours.ask<{ seconds: number[] }>("steps", { least: 0 })).seconds);
    const { bytes } = await ours.ask<{ bytes: number }>("memory");
    return { amount, seconds: spread(seconds).median, memory: bytes };
  } finally {
    await ours.close();
    await rm(folder, { recursive: true });
  }
}

/** Measures every point, prints a table and, to `out`, a drawing. */
export async function curves(
  given: Options,
  threads: number,
  print: (line: string) => void,
): Promise<void> {
  const charts: Chart[] = [];
  for (const sweep of sweeps(given.effort)) {
    const { work, unit, grows, effort } = sweep;
    print(`\n${works[work].title}, ${unit} (${settings({ ...effort, [grows]: undefined })})`);
    print(`| ${unit} | seconds | of the first, per ${unit} | memory, MiB | of the first |`);
    print("| ---: | ---: | ---: | ---: | ---: |");
    const points: Point[] = [];
    for (const factor of DOUBLINGS) {
      const point = await pointOf(sweep, factor * (effort[grows] ?? 1), given, threads);
      points.push(point);
      const [first] = points;
      const perUnit = (point.seconds / first.seconds / factor).toFixed(2);
      const memory = (point.memory / first.memory).toFixed(2);
      print(
        `| ${point.amount} | ${point.seconds.toFixed(2)} | ${perUnit} | ${Math.round(point.memory / 2 ** 20)} | ${memory} |`,
      );
      if (given.json) console.log(JSON.stringify({ work, grows, ...effort, ...point }));
    }
    const drawn = (y: string, of: (point: Point) => number, title: string): Chart => ({
      title,
      x: unit,
      y,
      share: false,
      series: [
        {
          name: unit,
          place: charts.length,
          points: [{ x: 0, y: 0 }, ...points.map((one) => ({ x: one.amount, y: of(one) }))].slice(
            y === "seconds" ? 0 : 1,
          ),
        },
      ],
    });
    charts.push(drawn("seconds", ({ seconds }) => seconds, `Time against ${unit}`));
    if (grows !== "steps")
      charts.push(drawn("MiB", ({ memory }) => memory / 2 ** 20, `Peak memory against ${unit}`));
  }
  if (given.out !== undefined) {
    await writeWhole(given.out, drawing(charts));
    print(`\n${given.out} written`);
  }
}

const settings = (effort: Partial<Effort>) =>
  Object.entries(effort)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");

const [WIDTH, HEIGHT, TITLE, ACROSS] = [480, 300, 28, 2];

/** A report's charts, one beside the other, as one file; dark on white. */
function drawing(charts: readonly Chart[]): string {
  const rows = Math.ceil(charts.length / ACROSS);
  const parts = charts.map((chart, i) => {
    const [x, y] = [(i % ACROSS) * WIDTH, Math.floor(i / ACROSS) * (HEIGHT + TITLE)];
    const [, svg] = /<svg (.*<\/svg>)/s.exec(chartMarkup(chart).markup) ?? [];
    return `<text x="${x + 48}" y="${y + 18}" font-size="14" font-weight="600">${chart.title}</text>\n<svg x="${x}" y="${y + TITLE}" ${svg}`;
  });
  const colors = ["#0b66c3", "#c2410c", "#12805c", "#8b3fb5", "#a36a00"];
  const style = colors.map((color, i) => `--series-${i + 1}:${color}`).join(";");
  const size = `${ACROSS * WIDTH} ${rows * (HEIGHT + TITLE)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" width="${ACROSS * WIDTH}" font-family="system-ui, sans-serif" style="background:#fff;color:#1b1f24;${style}">\n${parts.join("\n")}\n</svg>\n`;
}
