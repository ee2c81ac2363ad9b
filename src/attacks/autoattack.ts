import { z } from "zod";
import { ApgdSteps, apgd } from "./apgd.ts";
import { defineAttack } from "./define-attack.ts";
import { ensemble } from "./ensemble.ts";
import { FabSteps, fab } from "./fab.ts";
import { SquareQueries, square } from "./square.ts";

/**
 * AutoAttack's standard version for deterministic models (Croce & Hein 2020, arXiv:2003.01690, §6; ℓ1: 2021, arXiv:2103.01208,
 * §5): APGD-CE, APGD-T, FAB-T and Square on x [batch, ...pixels], each on the survivors of those before it. In ℓ1 APGD-CE has
 * 5 starts, and APGD-T has 5 targets instead of 9.
 */
export const autoattack = defineAttack({
  name: "autoattack",
  norms: ["linf", "l2", "l1"],
  summary:
    "AutoAttack, standard: apgd-ce, apgd-t, fab-t and square, each on the images that survived so far",
  source: "Croce & Hein 2020, arXiv:2003.01690; ℓ1: 2021, arXiv:2103.01208",
  asks: "losses",
  deterministicOnly: true,
  options: z.strictObject({
    apgdSteps: ApgdSteps,
    fabSteps: FabSteps,
    squareQueries: SquareQueries,
  }),
  sharedOptions: {
    apgdSteps: "apgdSteps",
    fabSteps: "fabSteps",
    squareQueries: "squareQueries",
  },
  make(options) {
    const { norm, epsilon, apgdSteps: steps, fabSteps, squareQueries: queries } = options;
    const restarts = norm === "l1" ? 5 : 1;
    return ensemble({
      name: `autoattack-${norm}`,
      norm,
      epsilon,
      stopWhenBroken: true,
      options: { ...options, steps, restarts },
      members: [
        apgd({ norm, epsilon, loss: "ce", steps, restarts }),
        apgd({ norm, epsilon, loss: "t", steps, targets: norm === "l1" ? 5 : 9 }),
        fab({ norm, steps: fabSteps, enough: epsilon }),
        square({ norm, epsilon, queries }),
      ],
    });
  },
});

/**
 * AutoAttack's version for randomised models (Croce & Hein 2020, arXiv:2003.01690, §6): APGD-CE and APGD-DLR on
 * x [batch, ...pixels]. Wrap the victim in `withEot` to average over draws, 20 in the paper. Both members attack every example,
 * since one wrong draw does not break it.
 */
export const autoattackRand = defineAttack({
  name: "autoattack-rand",
  pattern: "autoattack-*-rand",
  norms: ["linf", "l2", "l1"],
  summary: "AutoAttack for randomised models: apgd-ce and apgd-dlr",
  source: "Croce & Hein 2020, arXiv:2003.01690",
  asks: "losses",
  draws: 20,
  options: z.strictObject({ apgdSteps: ApgdSteps }),
  sharedOptions: { apgdSteps: "apgdSteps" },
  make({ norm, epsilon, apgdSteps: steps }) {
    const own = { norm, epsilon, steps, stopWhenBroken: false };
    return ensemble({
      name: `autoattack-${norm}-rand`,
      norm,
      epsilon,
      stopWhenBroken: false,
      options: { norm, epsilon, steps, restarts: 1 },
      members: [apgd({ ...own, loss: "ce" }), apgd({ ...own, loss: "dlr" })],
    });
  },
});
