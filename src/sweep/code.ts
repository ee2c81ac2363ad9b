import { UsageError } from "../math/usage-error.ts";

/** Throws `UsageError` unless a worker has the plan's version of the code. */
export function requireCode(planned: string, own: string): void {
  if (planned !== own)
    throw new UsageError(
      `the plan is computed by version ${planned} of the code, and this is version ${own}`,
      {
        code: "misfit",
        next: "install the same version everywhere, or sweep into another --store",
      },
    );
}
