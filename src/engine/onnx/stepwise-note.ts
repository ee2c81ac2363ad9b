import type { Note } from "../../math/note.ts";

/** Maximum number of operators that a note lists by name. */
const MAX_NAMED = 4;

/** `Round`, or `3 operators (Round, Sign, Floor)`. */
function operatorsNamed(types: readonly string[]): string {
  if (types.length === 1) return types[0];
  const named = types.slice(0, MAX_NAMED).join(", ");
  return `${types.length} operators (${named}${types.length > MAX_NAMED ? ", …" : ""})`;
}

/**
 * The note about the step functions of a file, given the types of their operators. Their gradients
 * are zero, or approximate if they are differentiated straight through (Bengio et al. 2013,
 * arXiv:1308.3432). A file gets one note for all of them.
 */
export function stepwiseNote(types: readonly string[], straightThrough: boolean): Note {
  const operators = operatorsNamed(types);
  const single = types.length === 1;
  if (straightThrough)
    return {
      code: "straight-through",
      text: single
        ? `${operators} is differentiated straight through (--straight-through): its gradients are approximate`
        : `${operators} are differentiated straight through (--straight-through): their gradients are approximate`,
    };
  return {
    code: "zero-gradient",
    text: single
      ? `${operators} has zero gradient almost everywhere, so white-box attacks get no gradient through it; differentiate it straight through with --straight-through`
      : `${operators} have zero gradient almost everywhere, so white-box attacks get no gradient through them; differentiate them straight through with --straight-through`,
  };
}
