import { z } from "zod";
import { makerWith } from "../math/maker.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { requireOwnOptions, sharedOptionName } from "../math/own-options.ts";
import { badPlugin, callPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import type { Noise, NoiseNamed } from "../noise/noise.ts";
import { noiseNamed } from "../noise/table.ts";
import type { Defense } from "./defense.ts";

/** What the maker of a defence may use besides its options. */
export interface DefenseContext {
  /** The name of the defence. */
  readonly name: string;
  /** Resolves the name of a noise, whose lengths are on the scale of pixels in [0, 1]. Throws `UsageError`. */
  readonly noiseNamed: NoiseNamed;
}

/** A defence as its maker returns it: without noise and attacks unless it states them. */
export type MadeDefense = Pick<Defense, "objective"> &
  Partial<Pick<Defense, "noise" | "attacks" | "gradients">>;

/** What `defineDefense` is given. */
export interface DefenseSpecification<S extends z.ZodObject = z.ZodObject> {
  /** The name on the command line: `trades`. */
  readonly name: string;
  /** The publication, or another origin. */
  readonly source: string;
  /** The strict schema of the options, each with a description; absent for a defence without options. */
  readonly options?: S;
  /**
   * The name of an option among those of all defences, where it is not that of the defence and the option together:
   * `beta` of `trades` is `tradesBeta`, and the flag `--trades-beta`. Names such as `epsilonLinf` and `steps` exist already.
   */
  readonly sharedOptions?: Readonly<Record<string, string>>;
  /** Why another defence refuses the shared option of this name, as the end of a sentence. */
  readonly refusals?: Readonly<Record<string, (value: unknown) => string>>;
  make(options: z.output<S>, context: DefenseContext): MadeDefense;
}

/** A defence with its options. Called with options, it makes a defence for `train`. Throws `UsageError`. */
export interface DefenseDefinition<S extends z.ZodObject = z.ZodObject>
  extends DefenseSpecification<S> {
  (options?: z.input<S>, toNoise?: NoiseNamed): Defense;
  readonly type: "defense";
  readonly options: S;
  /** The shared name of each option. */
  readonly sharedOptions: Readonly<Record<string, string>>;
}

/**
 * Defines a defence. Pure: `defenses.add` makes its name known. Throws `UsageError` with the code `bad-plugin` for a definition
 * of the wrong form.
 *
 * @example
 * ```ts
 * import { defineDefense, foldAll, pgd, z } from "rampart";
 *
 * const short = defineDefense({
 *   name: "short-at",
 *   source: "this example",
 *   options: z.strictObject({ steps: z.int().positive().default(2).describe("gradient steps") }),
 *   make: ({ steps }) => {
 *     const attack = pgd({ norm: "linf", epsilon: 8 / 255, steps });
 *     return {
 *       objective: {
 *         name: "short-at",
 *         examples: (victim, x, labels, keys) =>
 *           attack.perturb(victim, x, labels, foldAll(keys, 0)),
 *       },
 *     };
 *   },
 * });
 * console.log(short.name);
 * ```
 */
export function defineDefense<S extends z.ZodObject, const Name extends string = string>(
  given: DefenseSpecification<S> & { readonly name: Name },
): DefenseDefinition<S> & { readonly name: Name } {
  const self = { type: "defense", name: String(given.name) } as const;
  if (!/^[a-z][a-z0-9-]*$/.test(self.name))
    throw badPlugin(self, "needs a name of lower-case letters, digits and hyphens");
  if (typeof given.make !== "function") throw badPlugin(self, "needs a function make");
  const options = (given.options ?? z.strictObject({})) as S;
  requireOwnOptions(self, options, { names: [], why: "" });
  const names = Object.keys(options.shape);
  const shared = Object.fromEntries(
    names.map((name) => [name, given.sharedOptions?.[name] ?? sharedOptionName(self.name, name)]),
  );
  const make = (some: z.input<S> = {} as z.input<S>, toNoise: NoiseNamed = noiseNamed): Defense => {
    const resolved = checkedOptions(options, some);
    const context = { name: self.name, noiseNamed: toNoise };
    const made = isBuiltIn(definition)
      ? given.make(resolved, context)
      : checkedDefense(definition, () => given.make(resolved, context));
    const { objective, noise = null, attacks = [], gradients } = made;
    const { name } = self;
    return { name, objective, noise, attacks, gradients, options: resolved, definition };
  };
  const definition: DefenseDefinition<S> & { readonly name: Name } = makerWith(make, {
    type: self.type,
    name: given.name,
    source: given.source,
    options,
    sharedOptions: shared,
    refusals: given.refusals,
    make: given.make,
  }) as unknown as DefenseDefinition<S> & { readonly name: Name };
  return definition;
}

/** The same noise, whose draws are checked. Draws of a prefetch are ours. */
const checkedNoise = (self: PluginDefinition, noise: Noise): Noise => ({
  name: noise.name,
  sample(keys, shape) {
    const draw = () => noise.sample(keys, shape);
    return requireResult(self, "noise.sample", callPlugin(self, "noise.sample", draw), shape);
  },
  combine:
    noise.combine &&
    ((x, drawn) => {
      const put = () => noise.combine?.(x, drawn);
      return requireResult(self, "noise.combine", callPlugin(self, "noise.combine", put), x.shape);
    }),
  describe: noise.describe && (() => noise.describe?.() ?? noise.name),
  prefetch: noise.prefetch,
});

/** What a maker from outside returned, checked to be a defence. */
function checkedDefense(self: PluginDefinition, make: () => MadeDefense): MadeDefense {
  const made = callPlugin(self, "make", make);
  const objective = (made?.objective ?? {}) as unknown as Readonly<Record<string, unknown>>;
  if (!["examples", "feeds", "train"].some((name) => typeof objective[name] === "function"))
    throw badPlugin(self, "must return an objective with examples, feeds or train from make");
  const { noise, attacks, gradients } = made;
  if (attacks !== undefined && !Array.isArray(attacks))
    throw badPlugin(
      self,
      `returned attacks from make as ${typeof attacks}, and must return a list`,
    );
  if (noise === undefined || noise === null) return made;
  if (typeof noise.sample !== "function" || typeof noise.name !== "string")
    throw badPlugin(self, "returned a noise without name or sample from make; give noiseNamed(…)");
  return { objective: made.objective, attacks, gradients, noise: checkedNoise(self, noise) };
}
