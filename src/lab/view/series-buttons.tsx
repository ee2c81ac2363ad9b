import type { Series } from "../state/series.ts";

/** Buttons of a computation: begin, pause, continue, and start again. */
export function SeriesButtons<T>({
  series,
  text,
}: {
  readonly series: Series<T>;
  readonly text: string;
}) {
  const status = series.status.value;
  const words = { idle: text, playing: "Pause", paused: "Go on", done: `${text} again` };
  return (
    <div class="transport">
      <button
        type="button"
        class="primary"
        onClick={() => {
          if (status === "playing") series.pause();
          else void series.play();
        }}
      >
        {words[status]}
      </button>
      <button type="button" disabled={status === "idle"} onClick={() => series.reset()}>
        Reset
      </button>
    </div>
  );
}
