import { defineDefense } from "./define-defense.ts";
import { standard as objective } from "./objectives.ts";

/** Training without a defence, on the clean batch [batch, ...pixels]. */
export const standard = defineDefense({
  name: "standard",
  source: "Araujo et al. 2019, arXiv:1903.10219, Eq. 1",
  make: () => ({ objective }),
});
