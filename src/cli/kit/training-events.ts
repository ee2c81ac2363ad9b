// How training is shown.
import type { TrainEvent } from "../../train/events.ts";
import type { Context } from "./command.ts";
import type { Progress } from "./progress.ts";

/** What a training writes to its run directory. */
export const RUN_FILES = [
  "config.json",
  "metrics.jsonl",
  "validation.jsonl",
  "checkpoints",
  "chosen",
  "model.onnx",
] as const;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Shows an event of a training run. `resume` is the command that continues it. */
export function tellTraining(
  event: TrainEvent,
  bar: Progress,
  context: Pick<Context, "emit">,
  resume: string,
): void {
  if (event.event === "step") {
    bar.update("training", event.step, event.steps);
    return;
  }
  context.emit(event);
  switch (event.event) {
    case "warning":
      bar.log(`warning: ${event.message}`);
      break;
    case "start":
      if (event.from !== null)
        bar.log(`continuing from ${event.from} (step ${event.step} of ${event.steps})`);
      break;
    case "epoch":
      bar.log(
        `epoch ${event.epoch}: loss ${event.loss.toFixed(4)}, ${percent(event.trainAccuracy)} of training examples and ${percent(event.testAccuracy)} of ${event.testExamples} clean test images right, ${event.seconds.toFixed(1)} s`,
      );
      break;
    case "validation":
      bar.log(
        `epoch ${event.epoch.toFixed(2)}: ${percent(event.clean)} of ${event.examples} validation images right, ${percent(event.robust)} ${event.proven ? "proven by intervals" : "under attack"}${event.best ? ", the best so far" : ""}`,
      );
      break;
    case "stopped":
      bar.log(`stopped after step ${event.step}: ${event.message}`, `restored ${event.path}`);
      break;
    case "interrupted":
      if (event.model !== null) bar.log(`model.onnx is the best checkpoint so far, ${event.model}`);
      bar.log(
        `stopped after step ${event.step} of ${event.steps}; ${event.path} is saved. Continue with:`,
        `  ${resume}`,
      );
      break;
    default:
  }
}
