import { problem } from "../state/worker.ts";

/** The last error, until the user closes it. The page keeps working below it. */
export function Notice() {
  const { value } = problem;
  if (value === null) return null;
  const [first, ...rest] = value.message.split("\n");
  return (
    <div class="notice" role="alert">
      <div>
        <strong>{value.usage ? first : `This is a bug of the lab: ${first}`}</strong>
        {rest.map((line) => (
          <p key={line}>{line.trim()}</p>
        ))}
      </div>
      <button
        type="button"
        aria-label="Close the message"
        onClick={() => {
          problem.value = null;
        }}
      >
        ×
      </button>
    </div>
  );
}
