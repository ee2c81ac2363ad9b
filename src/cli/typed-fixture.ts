import { rampart } from "./main.ts";
import { run } from "./program.ts";

/** Runs `rampart` on these words; `stopAt` presses Ctrl-C when stderr shows this text. */
export async function typed(words: readonly string[], stopAt?: string) {
  const [out, err]: [string[], string[]] = [[], []];
  const interrupt = new AbortController();
  const code = await run(rampart, words, {
    stdout: { write: (text) => out.push(text) },
    stderr: {
      write(text) {
        err.push(text);
        if (stopAt !== undefined && text.includes(stopAt)) interrupt.abort();
      },
    },
    signal: interrupt.signal,
  });
  return { code, out: out.join(""), err: err.join("") };
}
