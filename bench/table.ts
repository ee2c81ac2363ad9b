import type { Spread } from "../src/bench/measure.ts";
import { present } from "../src/math/defined.ts";
import { agreementText } from "./agreement.ts";
import type { Case } from "./cases.ts";
import { modelLabel } from "./cases.ts";
import type { Comparison, Manner } from "./compare.ts";

const two = (value: number) => value.toFixed(2);
const milliseconds = (seconds: number) =>
  `${(1000 * seconds).toPrecision(Math.max(3, String(Math.round(1000 * seconds)).length))}`;
const between = ({ q1, q3 }: Spread, text: (value: number) => string) => `${text(q1)}–${text(q3)}`;
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

const met = ({ median }: Spread, limit: number | null) =>
  limit === null ? "" : `, goal ${two(limit)}: ${median <= limit ? "met" : "missed"}`;

/** PyTorch's manner in words. */
const manner = ({ layout, keepMemory }: Manner) => `${layout}${keepMemory ? ", memory kept" : ""}`;

/** A measured case. */
export interface Measured {
  readonly title: string;
  readonly case: Case;
  readonly result: Comparison;
  /** Operations of one step; null where they depend on the images. */
  readonly flops: number | null;
}

/** One kind of work as lines for a reader; `peak` operations per second. */
export function lines(
  { title, case: { model, batch, limit }, result, flops }: Measured,
  peak: number,
) {
  const { ours, pytorch, ratio, installedRatio, memoryRatio, agreement } = result;
  const side = (name: string, { seconds, memory }: Comparison["ours"]) =>
    [
      `  ${name.padEnd(24)}`,
      milliseconds(seconds.median).padStart(9),
      between(seconds, milliseconds).padStart(17),
      milliseconds(seconds.min).padStart(9),
      (flops === null ? "" : `${Math.round(flops / seconds.median / 1e9)}`).padStart(8),
      (flops === null ? "" : `${Math.round((100 * flops) / seconds.median / peak)} %`).padStart(7),
      mib(memory).padStart(10),
    ].join(" ");
  const head = `  ${"".padEnd(24)} ${"median ms".padStart(9)} ${"quartiles".padStart(17)} ${"min".padStart(9)} ${"GFLOP/s".padStart(8)} ${"of peak".padStart(7)} ${"memory".padStart(10)}`;
  const text = [`${title}: ${modelLabel(model)}, batch ${batch}`, head, side("rampart", ours)];
  if (agreement === null) return text;
  for (const one of pytorch) text.push(side(`PyTorch, ${manner(one)}`, one));
  if (ratio === null || installedRatio === null || memoryRatio === null)
    text.push(
      `  NO RATIO: the sides disagree on ${result.disagreements.join("; ")} (${agreementText(agreement)})`,
    );
  else
    text.push(
      `  rampart / PyTorch ${two(ratio.median)} (quartiles ${between(ratio, two)})${met(ratio, limit)}, as installed ${two(installedRatio.median)} (${between(installedRatio, two)})${met(installedRatio, limit)}; memory ${two(memoryRatio)}; ${agreementText(agreement)}`,
    );
  return text;
}

/** All of them as a table in Markdown, for docs/performance.md. */
export function markdownTable(all: readonly Measured[], peak: number): string {
  const rows = all.map(({ title, case: { model, batch, limit }, result, flops }) => {
    const { ours, pytorch, ratio, installedRatio, memoryRatio } = result;
    const best = pytorch.at(0);
    const installed = pytorch.find(({ keepMemory }) => !keepMemory);
    const ofPeak =
      flops === null ? "" : `${Math.round((100 * flops) / ours.seconds.median / peak)} %`;
    const time = ({ seconds }: Comparison["ours"]) =>
      `${milliseconds(seconds.median)} (${between(seconds, milliseconds)})`;
    const marked = (value: number, goal: number | null) =>
      goal !== null && value <= goal ? `**${two(value)}**` : two(value);
    const share = (own: Spread | null): string => {
      if (own !== null) return `${marked(own.median, limit)} (${between(own, two)})`;
      return result.disagreements.length > 0 ? "they disagree" : "";
    };
    return [
      title,
      `${modelLabel(model)}, ${batch}`,
      time(ours),
      ...[best, installed].map((one) => (one === undefined ? "" : `${time(one)}, ${one.layout}`)),
      share(ratio),
      share(installedRatio),
      limit === null ? "" : two(limit),
      present([ours, best])
        .map(({ memory }) => mib(memory))
        .join(" / "),
      memoryRatio === null ? "" : marked(memoryRatio, 1),
      ofPeak,
    ];
  });
  const head = [
    "work",
    "model, batch",
    "Rampart, ms",
    "PyTorch's best, ms",
    "as installed, ms",
    "ratio",
    "as installed",
    "at most",
    "peak memory",
    "ratio",
    "of GEMM peak",
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => (i < 2 ? "---" : "---:"));
  return [head, rule, ...rows].map(line).join("\n");
}
