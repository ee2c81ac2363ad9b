import { nearest } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, InputSpec } from "./architecture.ts";
import { cnnSmall } from "./cnn-small.ts";
import { mlpSmall } from "./mlp.ts";
import { wideResnet } from "./wide-resnet.ts";

/**
 * The architecture with a name: `wrn-<depth>-<width>`, `cnn-small` or `mlp-small`. Throws `UsageError` for any other
 * name.
 */
export function architecture(
  name: string,
  input: InputSpec,
  { dropout = 0 }: { readonly dropout?: number } = {},
): Architecture {
  const wide = /^wrn-(\d{1,3})-(\d{1,3})$/.exec(name);
  if (wide !== null) return wideResnet(Number(wide[1]), Number(wide[2]), input, dropout);
  if (name === "cnn-small") return cnnSmall(input);
  if (name === "mlp-small") return mlpSmall(input);
  const meant = nearest(name, ["cnn-small", "mlp-small", "wrn-10-1", "wrn-16-4", "wrn-28-10"]);
  throw new UsageError(
    `unknown model ${name}${meant === undefined ? "" : `; did you mean ${meant}?`} (models are cnn-small, mlp-small and wrn-<depth>-<width>)`,
    { code: "unknown-name" },
  );
}
