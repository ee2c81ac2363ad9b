/** Coefficients of one row by the elements of a node, as [element, coefficient]. */
export type SparseRow = readonly (readonly [number, number])[];
