import { SingleBar } from "cli-progress";
import { printable } from "../../report/printable.ts";
import type { Output } from "./command.ts";

/** The progress of a long command, on stderr. */
export interface Progress {
  /** Reports that `done` of `total` units of the work `label` are finished; call it after each step. */
  update(label: string, done: number, total: number): void;
  /** Prints permanent lines above the bar. A line break inside a line is shown escaped. */
  log(...lines: readonly string[]): void;
  /** Removes the bar; call it in a `finally`. */
  stop(): void;
}

/** 75 → `1m15s`, 5400 → `1h30m`, 3.2 → `3s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  if (h > 0) return `${h}h${two(m)}m`;
  return m > 0 ? `${m}m${two(s)}s` : `${s}s`;
}

/** `12/s`, `0.5/s` or `3.2/min`. */
function rateText(rate: number): string {
  if (rate >= 10) return `${Math.round(rate)}/s`;
  return rate >= 0.1 ? `${rate.toFixed(1)}/s` : `${(60 * rate).toFixed(1)}/min`;
}

/** Seconds between two lines on an output that is not a terminal. */
const LINE_INTERVAL = 10;

/**
 * On a terminal, one redrawn line with rate and time left. Elsewhere, and under `--json`, a line when a label starts, every ten
 * seconds, and when it is done. Rate and time left count from the label's first update. `percent` shows the share instead of
 * the counts, for units that mean nothing to a reader.
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
    } else if (ended || time - current.printed >= LINE_INTERVAL) {
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
