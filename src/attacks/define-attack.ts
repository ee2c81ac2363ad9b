// An attack as a definition: its name, norms, options and source, and the function that makes it.
import { z } from "zod";
import { makerWith } from "../math/maker.ts";
import { requireOwnOptions, sharedOptionName } from "../math/own-options.ts";
import { badPlugin, callPlugin, type PluginDefinition } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import type {
  AttackDefinition,
  AttackKind,
  BallOptions,
  BoundedDefinition,
  BoundedSpecification,
  MinimalDefinition,
  MinimalSpecification,
  SharedNames,
} from "./attack-definition.ts";
import { checkedMinimize, checkedPerturb } from "./checked-attack.ts";
import { EpsilonL0, EpsilonL1, EpsilonL2, EpsilonLinf, resolve } from "./options.ts";
import type { Attack, AttackNorm, BoundedAttack, MinimalAttack } from "./victim.ts";

/** The name of an attack's option among the shared ones: `queries` of `square` is `squareQueries`. */
const sharedName = (attack: string, option: string): string =>
  option === "stopWhenBroken" ? option : sharedOptionName(attack, option);

const radii = { linf: EpsilonLinf, l2: EpsilonL2, l1: EpsilonL1, l0: EpsilonL0 } as const;

/** The schema of a call's options: norm, radius if bounded, and the attack's own. */
function callSchema(kind: AttackKind, norms: readonly AttackNorm[], own: z.ZodObject): z.ZodType {
  if (kind === "minimum-norm") {
    const norm = norms.length === 1 ? z.literal(norms[0]).default(norms[0]) : z.enum(norms);
    return own.safeExtend({ norm: norm.describe("norm that is minimised") }).strict();
  }
  const inNorm = (norm: AttackNorm) =>
    own.safeExtend({ norm: z.literal(norm), epsilon: radii[norm] }).strict();
  const [first, ...others] = norms.map(inNorm);
  return z.discriminatedUnion("norm", [first, ...others]);
}

/** Throws `UsageError` with the code `bad-plugin` for a definition that breaks the rules. */
function checkSpecification(
  self: PluginDefinition,
  { norms, options, summary, source }: AnySpecification,
) {
  const isText = (text: unknown) => typeof text === "string" && text.length > 0;
  if (!/^[a-z][a-z0-9-]*$/.test(self.name))
    throw badPlugin(self, "needs a name of lower-case letters, digits and hyphens");
  if (!Array.isArray(norms) || norms.length === 0 || !norms.every((norm) => norm in radii))
    throw badPlugin(self, "needs norms, one or more of linf, l2, l1 and l0");
  if (!isText(summary) || !isText(source))
    throw badPlugin(self, "needs a summary, and a source such as authors, year and arXiv number");
  requireOwnOptions(self, options, {
    names: ["norm", "epsilon"],
    why: "norm and epsilon are given to make by Rampart",
  });
}

/** Any specification, as the code below handles it. */
interface AnySpecification {
  readonly name: string;
  readonly norms: readonly AttackNorm[];
  readonly options: z.ZodObject;
  readonly summary: string;
  readonly source: string;
  readonly kind?: AttackKind;
  readonly asks?: BoundedAttack["asks"];
  readonly deterministicOnly?: boolean;
  readonly draws?: number;
  readonly pattern?: string;
  readonly sharedOptions?: Readonly<Record<string, string | null | undefined>>;
  make(options: never): object;
}

/** The result of `make`, for both kinds. */
interface Made {
  readonly perturb?: BoundedAttack["perturb"];
  readonly minimize?: MinimalAttack["minimize"];
  readonly options?: Attack["options"];
  readonly passes?: Attack["passes"];
}

/**
 * Defines an attack in one or more norms. Has no side effects: `attacks.add` registers its names and options. Throws
 * `UsageError` with the code `bad-plugin` for a definition that breaks the rules. A call throws `UsageError` for a wrong option. The results of an
 * attack that is not built in are checked: a wrong shape, a number that is not finite, or a point outside the ball or
 * [0, 1] is an error with the code `bad-plugin`, as is whatever `make`, `perturb` or `minimize` throws.
 *
 * @example
 * ```ts
 * import { balls, defineAttack, foldAll, margin, z } from "rampart";
 *
 * const climb = defineAttack({
 *   name: "climb",
 *   norms: ["linf", "l2"],
 *   summary: "gradient ascent on the margin",
 *   source: "this example",
 *   asks: "losses",
 *   options: z.strictObject({ steps: z.int().positive().default(10).describe("gradient steps") }),
 *   make: ({ norm, epsilon, steps }) => ({
 *     async perturb(victim, x, labels, keys) {
 *       let point = x;
 *       for (let step = 0; step < steps; step++) {
 *         const ownKeys = foldAll(keys, step);
 *         const { gradient } = await victim.lossAndGradient(point, margin(labels), ownKeys);
 *         point = balls[norm].ascend(point, gradient, epsilon / steps, x, epsilon);
 *       }
 *       return point;
 *     },
 *   }),
 * });
 * console.log(climb({ norm: "l2", epsilon: 0.5 }).name); // climb-l2
 * ```
 */
export function defineAttack<
  const Name extends string,
  const N extends AttackNorm,
  O extends z.ZodObject,
  const S extends SharedNames<O> = Record<never, never>,
  const P extends string = `${Name}-*`,
>(given: MinimalSpecification<Name, N, O, S, P>): MinimalDefinition<Name, N, O, S, P>;
export function defineAttack<
  const Name extends string,
  const N extends AttackNorm,
  O extends z.ZodObject,
  const S extends SharedNames<O> = Record<never, never>,
  const P extends string = `${Name}-*`,
>(given: BoundedSpecification<Name, N, O, S, P>): BoundedDefinition<Name, N, O, S, P>;
export function defineAttack(given: AnySpecification): AttackDefinition {
  const self = { type: "attack", name: String(given.name) } as const;
  checkSpecification(self, given);
  const { name, norms, kind = "bounded", asks, pattern = `${name}-*` } = given;
  const options = given.options.strict();
  const isBounded = kind === "bounded";
  if (isBounded && asks !== "cross-entropy" && asks !== "losses" && asks !== "logits")
    throw badPlugin(self, 'needs asks: "cross-entropy", "losses" or "logits"');
  const schema = callSchema(kind, norms, options);

  function from(values: Readonly<Record<string, unknown>> = {}): Attack {
    const resolved = resolve(schema, values) as z.output<z.ZodObject> & BallOptions<AttackNorm>;
    const { norm, epsilon, ...own } = resolved;
    const ball = isBounded ? { norm, epsilon } : { norm };
    const forMake = { ...ball, ...own } as never;
    const isOurs = isBuiltIn(definition);
    const made: Made = isOurs
      ? given.make(forMake)
      : callPlugin(definition, "make", () => given.make(forMake));
    const attackName = pattern.replace("*", norm);
    if (asks !== undefined && isBounded) {
      if (typeof made?.perturb !== "function")
        throw badPlugin(definition, "must return { perturb } from make");
      const attack: BoundedAttack = {
        name: attackName,
        norm,
        epsilon,
        asks,
        options: made.options ?? forMake,
        passes: made.passes,
        perturb: made.perturb,
      };
      return isOurs ? attack : checkedPerturb(definition, attack);
    }
    if (typeof made?.minimize !== "function")
      throw badPlugin(definition, "must return { minimize } from make");
    const attack: MinimalAttack = {
      name: attackName,
      norm,
      epsilon: null,
      options: made.options ?? (norms.length === 1 ? own : forMake),
      passes: made.passes,
      minimize: made.minimize,
    };
    return isOurs ? attack : checkedMinimize(definition, attack);
  }

  const names = Object.keys(options.shape);
  const stated = given.sharedOptions ?? {};
  const definition: AttackDefinition = makerWith(from, {
    type: "attack",
    name,
    kind,
    norms,
    options,
    summary: given.summary,
    source: given.source,
    asks: asks ?? null,
    deterministicOnly: given.deterministicOnly ?? false,
    draws: given.draws ?? null,
    pattern,
    statedOptions: Object.keys(stated),
    sharedOptions: Object.fromEntries(
      names.map((option) => [
        option,
        stated[option] === undefined ? sharedName(name, option) : stated[option],
      ]),
    ),
    from,
  } as const);
  return definition;
}
