// How far the attacks of a timed audit came, stored so that a killed audit can go on with its finished balls.
import { z } from "zod";
import { openedJson, sealedJson } from "../../files/sealed.ts";
import { type Storage, textIfThere } from "../../files/storage/storage.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Convergence } from "./convergence.ts";

/** The file in an audit's storage. */
export const CONVERGENCE = "rows.convergence.json";

const advice = "choose another --out, and audit again";

const share = z.number();
const Stored = z.object({
  examples: z.int(),
  balls: z.array(
    z.object({
      norm: z.string(),
      epsilon: z.number(),
      attacked: z.int(),
      right: z.int(),
      finished: z.boolean(),
      falling: share,
      autoattack: z.object({ mean: share, low: share, high: share }),
    }),
  ),
});

/** What an interrupted audit of `examples` images stored; nothing if there is no such file. Throws `UsageError`. */
export async function storedConvergence(out: Storage, examples: number): Promise<Convergence[]> {
  const text = await textIfThere(out, CONVERGENCE);
  if (text === null) return [];
  const file = out.pathOf(CONVERGENCE);
  const { data } = Stored.safeParse(openedJson(file, text, advice));
  if (data === undefined)
    throw new UsageError(`${file} does not say how far timed attacks came`, {
      code: "bad-file",
      next: advice,
    });
  if (data.examples !== examples)
    throw new UsageError(
      `--minutes shares its time among all images, and this audit began with ${data.examples} and would go on with ${examples}`,
      {
        code: "misfit",
        next: `continue with --examples ${data.examples}, or choose another --out`,
      },
    );
  return data.balls;
}

/** The text of the file. */
export const convergenceText = (examples: number, balls: readonly Convergence[]): string =>
  sealedJson({ examples, balls });

const isSameBall = (a: Convergence, b: Convergence): boolean =>
  a.norm === b.norm && a.epsilon === b.epsilon;

/**
 * The balls with one more. A ball that was stored with more images stays: of an attack whose rows were written in part, the rest
 * is repeated.
 */
export function withBall(balls: readonly Convergence[], one: Convergence): Convergence[] {
  const before = balls.find((other) => isSameBall(other, one));
  if (before === undefined) return [...balls, one];
  if (before.right > one.right) return [...balls];
  return balls.map((other) => (other === before ? one : other));
}
