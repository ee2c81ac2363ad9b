// The table of architectures. An architecture is one file and one row here.
import { nearest, unknownDefinition } from "../math/nearest.ts";
import { badPlugin } from "../math/plugin.ts";
import { Registry } from "../math/registry.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, InputSpec } from "./architecture.ts";
import { cnnSmall } from "./cnn-small.ts";
import type { ArchitectureDefinition } from "./define-architecture.ts";
import { mlpSmall } from "./mlp.ts";
import { wideResnet } from "./wide-resnet.ts";

/** Whether some name belongs to both definitions. A form with numbers stands for all numbers, whatever its options allow. */
function share(one: ArchitectureDefinition, other: ArchitectureDefinition): boolean {
  if (!one.form.includes("<")) return other.optionsIn(one.form) !== undefined;
  if (!other.form.includes("<")) return one.optionsIn(other.form) !== undefined;
  const [words, others] = [one.form.split("-"), other.form.split("-")];
  const isNumber = (word: string) => /^(<.*>|\d{1,6})$/.test(word);
  return (
    words.length === others.length &&
    words.every((word, i) => word === others[i] || (isNumber(word) && isNumber(others[i])))
  );
}

/** The table of architectures; refuses one of a plug-in that has names of another, which would be found in its place. */
class ArchitectureRegistry extends Registry<ArchitectureDefinition> {
  override add(definition: ArchitectureDefinition): void {
    const taken = this.all.find((one) => one.name !== definition.name && share(one, definition));
    if (taken !== undefined)
      throw badPlugin(
        definition,
        `takes a name that is taken: ${definition.form} and ${taken.form} share names; give yours another name`,
      );
    super.add(definition);
  }
}

/** The architectures by the start of their names. A plug-in's architecture is added last. */
export const architectures: Registry<ArchitectureDefinition> = new ArchitectureRegistry(
  "architecture",
  [cnnSmall, mlpSmall, wideResnet],
);

/** The forms of all names, in a sentence: `cnn-small, mlp-small and wrn-<depth>-<width>`. */
export function architectureForms(word = "and"): string {
  const forms = architectures.all.map(({ form }) => form);
  return `${forms.slice(0, -1).join(", ")} ${word} ${forms.at(-1)}`;
}

/** The definition that a name belongs to, and the numbers in the name; undefined for a name of none. */
function found(name: string) {
  for (const definition of architectures.all) {
    const options = definition.optionsIn(name);
    if (options !== undefined) return { definition, options };
  }
  return undefined;
}

/** Whether the name belongs to a built-in architecture or to one that was added. */
export const isArchitecture = (name: string): boolean => found(name) !== undefined;

/**
 * The architecture with a name, such as `cnn-small` or `wrn-28-10`. `dropout` has no effect on an architecture without it.
 * Throws `UsageError` with the code `unknown-name` for any other name.
 *
 * @example
 * ```ts
 * import { architecture } from "rampart";
 *
 * const input = { shape: [1, 28, 28], classes: 10, mean: [0.13], std: [0.31] };
 * console.log(architecture("cnn-small", input).inputShape);
 * ```
 */
export function architecture(
  name: string,
  input: InputSpec,
  { dropout = 0 }: { readonly dropout?: number } = {},
): Architecture {
  const known = found(name);
  if (known === undefined) {
    const examples = architectures.all.flatMap((one) => one.examples);
    const meant = nearest(name, examples);
    throw unknownDefinition(
      `unknown model ${name}${meant === undefined ? "" : `; did you mean ${meant}?`} (models are ${architectureForms()})`,
    );
  }
  const { definition, options } = known;
  const hasDropout = Object.hasOwn(definition.options.shape, "dropout");
  return definition(input, hasDropout ? Object.assign({ dropout }, options) : options);
}

/**
 * The architecture that a stored model was trained with. `file` is the model's file, for the message. Throws `UsageError` for
 * one that neither Rampart nor a loaded plug-in has.
 */
export function storedArchitecture(
  name: string,
  input: InputSpec,
  file: string,
  options: { readonly dropout?: number } = {},
): Architecture {
  if (isArchitecture(name)) return architecture(name, input, options);
  throw new UsageError(
    `${file} holds the architecture ${JSON.stringify(name.slice(0, 100))}, which Rampart does not have`,
    {
      code: "unknown-name",
      next: "load the plug-in that defines it: --plugin FILE on the command line, use(definition) in the library",
    },
  );
}
