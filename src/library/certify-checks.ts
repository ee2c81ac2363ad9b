// Checks of what `certify` and `predict` are given.
import { z } from "zod";
import { CertificationOptions } from "../certify/options.ts";
import { certifiedNorms } from "../certify/radii.ts";
import { ImageOptions } from "../data/image-options.ts";
import { withDataName, withDataOptions } from "../data/own-data-options.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { listed, parted, refuseSizes, requireObject, running, storing } from "./checks.ts";

const ownShape = CertificationOptions.omit({ norms: true, radii: true }).shape;

const schema = () =>
  withDataOptions(
    CertificationOptions.omit({ norms: true, radii: true }).extend({
      ...ImageOptions.shape,
      ...running,
      ...storing,
      norm: z.enum(certifiedNorms).default("l2"),
      out: z.string().optional(),
      data: z
        .union([z.string(), z.custom((value) => typeof value === "object" && value !== null)])
        .optional(),
      note: z.custom((value) => typeof value === "function").optional(),
    }),
  );

/** What `certify` is given, with where it runs and how images are read apart. Throws `UsageError`. */
export function certifyOptions(options: object) {
  requireObject(options);
  const given = listed(options, ["resize", "crop"]);
  const checked = checkedOptions(schema(), given);
  refuseSizes(checked.data, given);
  const values = withDataName(checked, "data");
  const { own, others } = parted(values, Object.keys(ownShape));
  const { own: images, others: where } = parted(others, Object.keys(ImageOptions.shape));
  return {
    settings: CertificationOptions.parse(Object.assign({ norms: [checked.norm] }, own)),
    images: images as ImageOptions,
    where,
  };
}
