// Notices that the npm which started a command has ended.

/** Milliseconds between two checks of the parent. */
const INTERVAL = 500;

/** What is known of the process that started this one. */
export interface Start {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The id of the present parent. */
  parent(): number;
}

const thisStart: Start = { env: process.env, parent: () => process.ppid };

/**
 * Resolves with true once the shell in which npm or npx started this process has ended: a SIGTERM for npm ends that shell,
 * which does not pass it on. False at once if npm did not start this process, which may then outlive its parent. `signal` ends
 * the wait.
 */
export function orphaned(
  signal: AbortSignal,
  { env, parent }: Start = thisStart,
): Promise<boolean> {
  const first = parent();
  if (env.npm_command === undefined || first === 1) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (signal.aborted) resolve(false);
      else if (parent() !== first) resolve(true);
      else return;
      clearInterval(timer);
    }, INTERVAL);
    timer.unref();
  });
}
