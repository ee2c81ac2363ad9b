import { SingleBar } from "cli-progress";
import { printable } from "../../report/printable.ts";
import type { Output } from "./command.ts";

/** Where a long command stands; always on stderr. */
export interface Progress {
  /** `done` of `total` units of the work called `label`; call it after each step. */
  update(label: string, done: number, total: number): void;
  /** Lines that stay, above the bar. A line break inside a line is shown escaped. */
  log(...lines: readonly string[]): void;
  /** Ends the line; call it in a `finally`. */
  stop(): void;
}

/** 75 → `1m15s`, 5400 → `1h30m`, 3.2 → `3s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}h${two(m)}m` : m > 0 ? `${m}m${two(s)}s` : `${s}s`;
}

const rateText = (rate: number): string =>
  rate >= 10
    ? `${Math.round(rate)}/s`
    : rate >= 0.1
      ? `${rate.toFixed(1)}/s`
      : `${(60 * rate).toFixed(1)}/min`;

const everySeconds = 10;

/**
 * One redrawn line with rate and time left on a terminal; elsewhere, and under `--json`, a line when a label begins
 * its work, every ten seconds, and when it is done. Rate and time left count from the label's first update.
 * `percent` is for a whole whose units mean nothing to a reader: its share and the time left.
 */
export function progress(
  stderr: Output,
  { json = false, percent = false, now = () => performance.now() / 1000 } = {},
): Progress {
  const terminal = stderr.isTTY === true && !json;
  let bar: SingleBar | undefined;
  let current = { label: "", start: 0, done: 0, printed: 0 };

  const show = (work: string, done: number, total: number) => {
    const label = printable(work);
    const time = now();
    const fresh = label !== current.label || done < current.done;
    if (fresh) current = { label, start: time, done, printed: Number.NEGATIVE_INFINITY };
    const first = current.done;
    const elapsed = time - current.start;
    const rate = done > first && elapsed > 0 ? (done - first) / elapsed : 0;
    const left = rate > 0 ? `${duration((total - done) / rate)} left` : "";
    const pace = left === "" || percent ? left : `${rateText(rate)}, ${left}`;
    const text = percent ? `${Math.floor((100 * done) / total)} %` : `${done}/${total}`;
    const ended = done >= total;
    if (terminal) {
      if (bar === undefined) {
        bar = new SingleBar({
          stream: stderr as NodeJS.WritableStream,
          format: "{label} {bar} {text} {pace}",
          barsize: 24,
          clearOnComplete: true,
          gracefulExit: false,
        });
        bar.start(total, done, { label, text, pace });
      }
      bar.setTotal(total);
      bar.update(done, { label, text, pace });
    } else if (ended || time - current.printed >= everySeconds) {
      const finished = ended ? `done in ${duration(elapsed)}` : pace;
      stderr.write(`${label}: ${text}${finished === "" ? "" : `, ${finished}`}\n`);
      current.printed = time;
    }
  };

  const clear = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    update: show,
    log: (...lines) => {
      clear();
      stderr.write(lines.map((line) => `${printable(line)}\n`).join(""));
    },
    stop: clear,
  };
}
