/** Operators that a note lists by name. */
const MAX_NAMED = 4;

/** `Round`, or `3 operators (Round, Sign, Floor)`. */
function operatorsNamed(types: readonly string[]): string {
  if (types.length === 1) return types[0];
  const named = types.slice(0, MAX_NAMED).join(", ");
  return `${types.length} operators (${named}${types.length > MAX_NAMED ? ", …" : ""})`;
}

/** One note about all kinds of operators that are steps: what their gradient is, and the flag that says which. */
export function stepwiseNote(types: readonly string[], straightThrough: boolean): string {
  const who = operatorsNamed(types);
  const [is, has, its, it] =
    types.length === 1 ? ["is", "has", "its", "it"] : ["are", "have", "their", "them"];
  if (straightThrough)
    return `${who} ${is} differentiated straight through (--straight-through): ${its} gradients are approximate`;
  return `${who} ${has} zero gradient almost everywhere, so white-box attacks are blind to what lies before ${it}; differentiate straight through with --straight-through`;
}
