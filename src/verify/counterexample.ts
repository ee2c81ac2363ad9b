/**
 * A counterexample as VNN-COMP writes one: `sat`, then `((X_0 v) … (Y_0 v) …)`, a value on a line. Values have the digits
 * that give the same double back, and so the same float32: fewer could leave the box.
 */
export function counterexampleText(x: Float32Array, y: Float32Array): string {
  const lines = [
    ...Array.from(x, (value, i) => `(X_${i} ${value})`),
    ...Array.from(y, (value, j) => `(Y_${j} ${value})`),
  ];
  return `sat\n(${lines.join("\n ")})\n`;
}
