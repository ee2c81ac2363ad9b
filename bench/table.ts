import type { Spread } from "../src/cli/measure.ts";
import type { Comparison } from "./compare.ts";

const ms = (seconds: number) => (1000 * seconds).toFixed(1);
const between = ({ q1, q3 }: Spread, text: (value: number) => string) => `${text(q1)}–${text(q3)}`;
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** One kind of work as lines for a reader; `flops` per step, `peak` operations per second. */
export function table(
  title: string,
  { ours, pytorch, ratio, agreement }: Comparison,
  flops: number,
  peak: number,
) {
  const side = (name: string, seconds: Spread, memory: number | null) =>
    [
      `  ${name.padEnd(24)}`,
      ms(seconds.median).padStart(9),
      between(seconds, ms).padStart(17),
      ms(seconds.min).padStart(9),
      `${Math.round(flops / seconds.median / 1e9)}`.padStart(8),
      `${Math.round((100 * flops) / seconds.median / peak)} %`.padStart(7),
      (memory === null ? "" : mib(memory)).padStart(10),
    ].join(" ");
  const head = `  ${"".padEnd(24)} ${"median ms".padStart(9)} ${"quartiles".padStart(17)} ${"min".padStart(9)} ${"GFLOP/s".padStart(8)} ${"of peak".padStart(7)} ${"memory".padStart(10)}`;
  const text = [title, head, side("rampart", ours.seconds, ours.memory)];
  if (pytorch !== null && ratio !== null && agreement !== null) {
    const other = pytorch.layout === "nchw" ? "channels-last" : "nchw";
    const two = (value: number) => value.toFixed(2);
    text.push(
      side(`PyTorch, ${pytorch.layout}`, pytorch.seconds, pytorch.memory),
      side(`PyTorch, ${other}`, pytorch.otherSeconds, null),
      `  rampart / PyTorch ${two(ratio.median)} (quartiles ${between(ratio, two)}); relative difference of the loss ${agreement.loss.toExponential(1)}, of the gradient ${agreement.gradient.toExponential(1)}`,
    );
  }
  return text;
}
