import { attacks } from "../attacks/table.ts";
import { datasets } from "../data/table.ts";
import { defenses } from "../defenses/table.ts";
import { losses } from "../losses/table.ts";
import type { PluginDefinition } from "../math/plugin.ts";
import type { Registry } from "../math/registry.ts";
import { architectures } from "../models/architectures.ts";
import { noises } from "../noise/table.ts";

/** Each kind of definition: its registry, and the function that makes definitions of it. */
export const kinds: Readonly<
  Record<string, { readonly registry: Registry<PluginDefinition>; readonly define: string }>
> = {
  attack: { registry: attacks as unknown as Registry<PluginDefinition>, define: "defineAttack" },
  noise: { registry: noises as unknown as Registry<PluginDefinition>, define: "defineNoise" },
  defense: { registry: defenses as unknown as Registry<PluginDefinition>, define: "defineDefense" },
  loss: { registry: losses as unknown as Registry<PluginDefinition>, define: "defineLoss" },
  architecture: {
    registry: architectures as unknown as Registry<PluginDefinition>,
    define: "defineArchitecture",
  },
  dataset: { registry: datasets as unknown as Registry<PluginDefinition>, define: "defineDataset" },
};

/** The names of the functions that make definitions: `defineNoise, … or defineDataset`. */
export function defineFunctions(): string {
  const names = Object.values(kinds).map(({ define }) => define);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
