import type { Runtime } from "../engine/runtime/runtime.ts";
import { InternalError } from "../math/internal-error.ts";
import { messageOf } from "../math/message-of.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "./architecture.ts";

/**
 * Turns errors of the runtime about an imported network into `UsageError`s that blame the file. Errors about our own
 * networks are bugs and pass through, as do internal errors.
 */
export function withForeignErrors(runtime: Runtime, { name, foreign }: Architecture): Runtime {
  if (foreign !== true) return runtime;
  async function blamingFile<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof UsageError || cause instanceof InternalError) throw cause;
      throw new UsageError(
        `${name} asks for what ${runtime.target.engine} cannot run: ${messageOf(cause)}; if the file runs elsewhere, please report it`,
        { code: "bad-file", cause },
      );
    }
  }
  return {
    target: runtime.target,
    compile: (outputs, options) =>
      blamingFile(async () => {
        const program = await runtime.compile(outputs, options);
        return {
          run: (feeds, into) => blamingFile(() => program.run(feeds, into)),
          release: () => program.release(),
        };
      }),
  };
}
