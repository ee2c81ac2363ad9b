import type { Runtime } from "../engine/runtime/runtime.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "./architecture.ts";

/** A runtime whose errors about somebody else's file say so; errors about our own networks are bugs, and stay. */
export function withForeignErrors(runtime: Runtime, { name, foreign }: Architecture): Runtime {
  if (foreign !== true) return runtime;
  async function saying<T>(does: () => Promise<T>): Promise<T> {
    try {
      return await does();
    } catch (cause) {
      const { message } = cause as Error;
      if (cause instanceof UsageError || message.startsWith("internal:")) throw cause;
      throw new UsageError(
        `${name} asks for what ${runtime.target.engine} cannot run: ${message}; if the file runs elsewhere, please report it`,
        { cause },
      );
    }
  }
  return {
    target: runtime.target,
    compile: (outputs) =>
      saying(async () => {
        const program = await runtime.compile(outputs);
        return { ...program, run: (feeds) => saying(() => program.run(feeds)) };
      }),
  };
}
