import type { BranchProgram } from "./branch-program.ts";
import { type Domain, isOpen } from "./domain.ts";
import type { End } from "./domain-step.ts";

/**
 * Makes steps on the slopes and multipliers of domains, and returns those that are not proven. Whenever one is proven or
 * done, the next takes its row. `end` says which slopes a domain ends with. If `stop` says so, the rest is left as it is.
 */
export async function improved(
  program: BranchProgram,
  domains: readonly Domain[],
  steps: number,
  stop: () => boolean,
  end: End = "best",
): Promise<{ readonly left: readonly Domain[]; readonly isStopped: boolean }> {
  const { maxRows } = program;
  const left: Domain[] = [];
  let active: Domain[] = [];
  for (let next = 0; active.length > 0 || next < domains.length; ) {
    const count = maxRows - active.length;
    active = active.concat(domains.slice(next, next + count));
    next += count;
    if (stop()) return { left: left.concat(active, domains.slice(next)), isStopped: true };
    await program.improve(active, steps, end);
    for (const one of active.filter((each) => isOpen(each) && each.steps > steps)) {
      one.moments = null;
      left.push(one);
    }
    active = active.filter((one) => isOpen(one) && one.steps <= steps);
  }
  return { left, isStopped: false };
}
