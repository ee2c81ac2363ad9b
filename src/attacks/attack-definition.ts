// The types of an attack as a definition.
import type { z } from "zod";
import type { OwnInput, OwnOutput } from "../math/own-options.ts";
import type { PluginDefinition } from "../math/plugin.ts";
import type { Attack, AttackNorm, BoundedAttack, MinimalAttack } from "./victim.ts";

/** `bounded`: high loss within a radius. `minimum-norm`: the smallest perturbation that changes the decision. */
export type AttackKind = "bounded" | "minimum-norm";

/** The options of an attack's ball: a norm and a radius, which is a number of pixels in ℓ0 and else for pixels in [0, 1]. */
export interface BallOptions<N extends AttackNorm> {
  readonly norm: N;
  readonly epsilon: number;
}

/** For an option, the name of the shared option that sets it; null if only a library call sets it. */
export type SharedNames<O extends z.ZodObject> = {
  readonly [K in keyof z.output<O>]?: string | null;
};

/** The fields that definitions of both kinds have. */
interface CommonSpecification<
  Name extends string,
  N extends AttackNorm,
  O extends z.ZodObject,
  S extends SharedNames<O>,
  P extends string,
> {
  /** Lower-case letters, digits and hyphens: `square`. The name in a norm is `square-linf`. */
  readonly name: Name;
  readonly norms: readonly N[];
  /** The attack's own options. Each has a description, and a default or is optional. Schemas may not transform values. */
  readonly options: O;
  /** The method in a few words, for help and tables. */
  readonly summary: string;
  /** Authors, year and arXiv number, or another origin. */
  readonly source: string;
  /**
   * Shared names for options, where the default name does not fit. By default option `queries` of `square` is
   * `squareQueries`, and `--square-queries` on the command line. Attacks may share a name; the first attack's default holds.
   */
  readonly sharedOptions?: S;
  /** The form of the names, with `*` for the norm, where it is not `NAME-*`. */
  readonly pattern?: P;
}

/** The argument of `defineAttack` for an attack within a radius. */
export interface BoundedSpecification<
  Name extends string = string,
  N extends AttackNorm = AttackNorm,
  O extends z.ZodObject = z.ZodObject,
  S extends SharedNames<O> = SharedNames<O>,
  P extends string = string,
> extends CommonSpecification<Name, N, O, S, P> {
  readonly kind?: "bounded";
  /** The queries that the attack makes: cross-entropy only, any loss, or logits only. */
  readonly asks: BoundedAttack["asks"];
  /** True if the attack stops at the first wrong answer, which a randomised model gives by chance. */
  readonly deterministicOnly?: boolean;
  /** Draws per step on a randomised model, as in the publication; absent if the publication does not state them. */
  readonly draws?: number;
  /**
   * Makes the attack in a ball. `options` are recorded with results; by default the resolved options. `passes` are for
   * estimates of cost; by default those of the options `steps`, `queries` and `restarts`.
   */
  make(options: OwnOutput<O> & BallOptions<N>): {
    readonly perturb: BoundedAttack["perturb"];
    readonly options?: BoundedAttack["options"];
    readonly passes?: BoundedAttack["passes"];
  };
}

/** The argument of `defineAttack` for a minimum-norm attack. */
export interface MinimalSpecification<
  Name extends string = string,
  N extends AttackNorm = AttackNorm,
  O extends z.ZodObject = z.ZodObject,
  S extends SharedNames<O> = SharedNames<O>,
  P extends string = string,
> extends CommonSpecification<Name, N, O, S, P> {
  readonly kind: "minimum-norm";
  /** Makes the attack that minimises a norm. `options` and `passes` are as for a bounded attack. */
  make(options: OwnOutput<O> & { readonly norm: N }): {
    readonly minimize: MinimalAttack["minimize"];
    readonly options?: MinimalAttack["options"];
    readonly passes?: MinimalAttack["passes"];
  };
}

/** A definition without the types of its options, as tables and plug-in loaders handle it. */
export interface AttackDefinition extends PluginDefinition {
  readonly type: "attack";
  readonly kind: AttackKind;
  readonly norms: readonly AttackNorm[];
  /** The strict schema of the attack's own options. */
  readonly options: z.ZodObject;
  readonly summary: string;
  readonly source: string;
  /** The queries that a bounded attack makes; null for a minimum-norm attack. */
  readonly asks: BoundedAttack["asks"] | null;
  readonly deterministicOnly: boolean;
  /** Draws per step on a randomised model if the user sets none; null for the usual number. */
  readonly draws: number | null;
  /** The form of its names, with `*` for the norm. */
  readonly pattern: string;
  /** The shared option that sets each own option; null if only a library call sets the option. */
  readonly sharedOptions: Readonly<Record<string, string | null>>;
  /** The own options whose shared name the definition states. */
  readonly statedOptions: readonly string[];
  /** Makes the attack from a norm, a radius if it is bounded, and own options. Throws `UsageError` for invalid options. */
  from(given: Readonly<Record<string, unknown>>): Attack;
}

/** The parts of a definition that have their own types. The types of names and options follow from them. */
export interface TypedParts<Name, N, O, S, P> {
  readonly name: Name;
  readonly norms: readonly N[];
  readonly options: O;
  readonly sharedOptions: S;
  readonly pattern: P;
}

/** The other parts of a definition, whose types are the same for every attack. */
type UntypedParts = Omit<
  AttackDefinition,
  keyof TypedParts<string, AttackNorm, z.ZodObject, SharedOptionTable, string>
>;

/** The shared option that sets each own option, without their literal types. */
type SharedOptionTable = Readonly<Record<string, string | null>>;

/** A bounded attack's definition. Called with a norm, a radius and options, it makes the attack. */
export type BoundedDefinition<
  Name extends string = string,
  N extends AttackNorm = AttackNorm,
  O extends z.ZodObject = z.ZodObject,
  S = SharedOptionTable,
  P extends string = string,
> = ((given: OwnInput<O> & BallOptions<N>) => BoundedAttack) &
  UntypedParts &
  TypedParts<Name, N, O, S, P> & { readonly kind: "bounded" };

type IsUnion<T, All = T> = T extends unknown ? ([All] extends [T] ? false : true) : never;

/** The norm option; optional for an attack with a single norm. */
type NormOption<N extends AttackNorm> =
  IsUnion<N> extends false ? { readonly norm?: N } : { readonly norm: N };

/** The arguments of a call whose options may all be left out. */
type OptionalArgument<G> = Record<never, never> extends G ? [given?: G] : [given: G];

/** A minimum-norm attack's definition. Called with a norm and options, it makes the attack. */
export type MinimalDefinition<
  Name extends string = string,
  N extends AttackNorm = AttackNorm,
  O extends z.ZodObject = z.ZodObject,
  S = SharedOptionTable,
  P extends string = string,
> = ((...given: OptionalArgument<OwnInput<O> & NormOption<N>>) => MinimalAttack) &
  UntypedParts &
  TypedParts<Name, N, O, S, P> & { readonly kind: "minimum-norm" };
