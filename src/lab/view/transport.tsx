import { type Player, pace } from "../state/player.ts";

const paces = [
  [350, "slow"],
  [110, "normal"],
  [0, "fast"],
] as const;

function playText(isPlaying: boolean, isOver: boolean): string {
  if (isPlaying) return "Pause";
  return isOver ? "Play again" : "Play";
}

/** Buttons of an attack: play or pause, one step, back to the clean image, and the pace. */
export function Transport({ players }: { readonly players: readonly Player[] }) {
  const isPlaying = players.some(({ status }) => status.value === "playing");
  const isOver = players.every(({ status }) => status.value === "done");
  const toggle = () => {
    for (const player of players)
      if (isPlaying) player.pause();
      else if (isOver || player.status.value !== "done") void player.play();
  };
  return (
    <div class="transport">
      <button type="button" class="primary" onClick={toggle}>
        {playText(isPlaying, isOver)}
      </button>
      <button
        type="button"
        disabled={isOver}
        onClick={() => {
          for (const player of players) void player.step();
        }}
      >
        Step
      </button>
      <button
        type="button"
        disabled={isOver}
        onClick={() => {
          for (const player of players) void player.finish();
        }}
      >
        To the end
      </button>
      <button
        type="button"
        onClick={() => {
          for (const player of players) player.reset();
        }}
      >
        Reset
      </button>
      <label class="inline">
        Pace
        <select
          value={String(pace.value)}
          onChange={({ currentTarget }) => {
            pace.value = Number(currentTarget.value);
          }}
        >
          {paces.map(([milliseconds, text]) => (
            <option key={text} value={String(milliseconds)}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
