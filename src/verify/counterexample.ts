/**
 * A counterexample in the format of VNN-COMP: `sat`, then `((X_0 v) … (Y_0 v) …)`, one value per line. Values have
 * enough digits to read back as the same float32, since a rounded point could leave the box.
 */
export function counterexampleText(x: Float32Array, y: Float32Array): string {
  const lines = [
    ...Array.from(x, (value, i) => `(X_${i} ${value})`),
    ...Array.from(y, (value, j) => `(Y_${j} ${value})`),
  ];
  return `sat\n(${lines.join("\n ")})\n`;
}
