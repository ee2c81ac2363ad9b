import { z } from "zod";
import type { Value } from "../engine/graph/value.ts";
import { makerWith } from "../math/maker.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { badPlugin, callPlugin, type PluginDefinition } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import { isShape } from "../math/tensor.ts";
import type { Architecture, InputSpec } from "./architecture.ts";
import { checkedNetwork } from "./checked-network.ts";

/** A network as the maker of an architecture returns it. The definition adds the name, the shape of the input and the classes. */
export interface NetworkSpecification
  extends Pick<Architecture, "parameters" | "forward" | "input">,
    Partial<Pick<Architecture, "dropout">> {}

/** What `defineArchitecture` is given. */
export interface ArchitectureSpecification<S extends z.ZodObject> {
  /** The start of the name on the command line: `cnn-small`, or `wrn`, which numbers follow. */
  readonly name: string;
  /**
   * A strict schema. Each option is a number in the name, in this order: `depth` and `width` make `wrn-<depth>-<width>`. An
   * option `dropout` is not part of the name; training sets it.
   */
  readonly options: S;
  /** The publication, or another origin. */
  readonly source: string;
  /** A few names, for advice about an unknown one; by default the name itself. */
  readonly examples?: readonly string[];
  /**
   * The network for images of `input.shape` [channel, height, width] in [0, 1]. `forward` maps them, [batch, ...shape], to
   * logits [batch, classes].
   */
  make(input: InputSpec, options: z.output<S>): NetworkSpecification;
}

/** An architecture. Called with the input and its options, it makes a network without weights. Throws `UsageError`. */
export interface ArchitectureDefinition<S extends z.ZodObject = z.ZodObject>
  extends ArchitectureSpecification<S> {
  (input: InputSpec, options?: z.input<S>): Architecture;
  readonly type: "architecture";
  /** The form of its names: `wrn-<depth>-<width>`. */
  readonly form: string;
  readonly examples: readonly string[];
  /** The options in a name such as `wrn-28-10`; undefined for the name of another architecture. */
  optionsIn(name: string): Readonly<Record<string, number>> | undefined;
}

/** The options that a name states as numbers. */
const inName = (options: z.ZodObject): string[] =>
  Object.keys(options.shape).filter((option) => option !== "dropout");

/** The pixels as the first layer takes them; those of an architecture from outside keep their batch. */
function inputOf(self: PluginDefinition, made: NetworkSpecification): (x: Value) => Value {
  if (made.input === undefined) return (x) => x;
  return (x) => {
    const seen = callPlugin(self, "input", () => made.input?.(x));
    if (isShape(seen?.shape) && seen.shape[0] === x.shape[0]) return seen;
    throw badPlugin(
      self,
      `returned ${seen?.shape === undefined ? "no expression" : `[${seen.shape.join(", ")}]`} from input for images [${x.shape.join(", ")}]`,
    );
  };
}

/**
 * Defines an architecture. Pure: `architectures.add` makes its name known. Throws `UsageError` with the code `bad-plugin` for a
 * definition of the wrong form.
 *
 * @example
 * ```ts
 * import { defineArchitecture, layers, linearSpecs, ops, z } from "rampart";
 *
 * const affine = defineArchitecture({
 *   name: "affine",
 *   source: "this example",
 *   options: z.strictObject({}),
 *   make({ shape, classes, mean, std }) {
 *     const pixels = shape.reduce((product, length) => product * length, 1);
 *     return {
 *       parameters: linearSpecs("out", classes, pixels),
 *       forward(x, parameter) {
 *         const flat = ops.reshape(layers.normalize(x, mean, std), [x.shape[0], pixels]);
 *         const logits = layers.linear(flat, parameter("out.weight"), parameter("out.bias"));
 *         return { logits, statistics: {} };
 *       },
 *     };
 *   },
 * });
 * console.log(affine.name);
 * ```
 */
export function defineArchitecture<S extends z.ZodObject>(
  given: ArchitectureSpecification<S>,
): ArchitectureDefinition<S> {
  const self = { type: "architecture", name: String(given.name) } as const;
  if (!/^[a-z][a-z0-9-]*$/.test(self.name))
    throw badPlugin(self, "needs a name of lower-case letters, digits and hyphens");
  if (typeof given.make !== "function") throw badPlugin(self, "needs a function make");
  if (!(given.options instanceof z.ZodObject))
    throw badPlugin(self, "needs options: a z.strictObject, empty if it has none");
  const numbers = inName(given.options);
  const pattern = new RegExp(`^${[self.name, ...numbers.map(() => "(\\d{1,6})")].join("-")}$`);

  const make = (input: InputSpec, options: z.input<S> | Record<string, never> = {}) => {
    const resolved = checkedOptions(given.options, options) as z.output<S>;
    const stated = numbers.map((option) => (resolved as Record<string, unknown>)[option]);
    const build = () => given.make(input, resolved);
    const isOurs = isBuiltIn(definition);
    const made = isOurs ? build() : callPlugin(definition, "make", build);
    if (typeof made !== "object" || made === null)
      throw badPlugin(definition, `returned ${typeof made} from make, and must return a network`);
    const network: Architecture = {
      name: [self.name, ...stated].join("-"),
      inputShape: input.shape,
      classes: input.classes,
      parameters: made.parameters,
      dropout: made.dropout ?? { rate: 0, masks: {} },
      input: inputOf(definition, made),
      forward: made.forward,
    };
    return isOurs ? network : checkedNetwork(definition, network);
  };
  const definition: ArchitectureDefinition<S> = makerWith(make, {
    type: self.type,
    name: self.name,
    options: given.options,
    source: given.source,
    form: [self.name, ...numbers.map((option) => `<${option}>`)].join("-"),
    examples: given.examples ?? [self.name],
    make: given.make,
    optionsIn(name: string) {
      const found = pattern.exec(name);
      if (found === null) return undefined;
      const options = Object.fromEntries(
        numbers.map((option, i) => [option, Number(found[i + 1])]),
      );
      return given.options.safeParse(options).success ? options : undefined;
    },
  });
  return definition;
}
