// Every export of the folders that users read most has a docstring with shapes, units and a source (see the fixture).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { docstringFindings } from "./fixtures/docstrings.ts";

const root = join(import.meta.dirname, "..");

const folders = ["attacks", "losses", "noise", "defenses", "models"] as const;

const filesOf = (folder: string): string[] =>
  readdirSync(join(root, "src", folder), { recursive: true })
    .map((name) => `src/${folder}/${String(name).replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));

const rulesOf = (folder: string, code: string): string[] =>
  docstringFindings(folder, "example.ts", code).map(({ rule, name }) => `${rule} ${name}`);

describe("the docstrings", () => {
  it.each([
    ["sentence f", "losses", "export function f(): void {}"],
    ["sentence f", "losses", "// A comment that is no docstring.\nexport function f(): void {}"],
    ["sentence marginOf", "losses", "/** The margin of. */ export const marginOf = () => 1;"],
    ["sentence A", "models", "/** Two words. */ export interface A {}"],
    ["sentence A", "models", "/** A sentence without its full stop */ export type A = 1;"],
    ["sentence A", "models", "export class A {}"],
    [
      "sentence A",
      "models",
      "/** @example\n * ```ts\n * const a = new A();\n * ``` */ export class A {}",
    ],
    ["shape f", "losses", "/** Turns logits into losses. */ export function f(z: Tensor): void {}"],
    ["shape f", "losses", "/** Pixels in [0, 1] of an image. */ export const f = (): Value => v;"],
    ["shape f", "attacks", "/** Awaits the logits. */ export function f(): Promise<Tensor> {}"],
    ["shape f", "attacks", "/** Runs with these keys. */ export function f(k: readonly Key[]) {}"],
    ["shape f", "attacks", "/** Takes all labels. */ export const f = (labels: Labels) => 1;"],
    ["shape F", "losses", "/** Turns logits into losses. */ export type F = (z: Value) => Value;"],
    ["shape A.x", "models", "/** A batch of images. */ export interface A { readonly x: Tensor }"],
    [
      "shape A.f",
      "models",
      "/** A network in use. */ export class A { /** The logits. */ f(x: Tensor): Tensor {} }",
    ],
    [
      "shape a.f",
      "models",
      "/** Functions of two vectors. */ export const a = { f(x: Tensor) {} } as const;",
    ],
    [
      "unit f.epsilon",
      "attacks",
      "/** Moves the point into the ball. */ export const f = (epsilon: number) => 1;",
    ],
    ["unit A.sigma", "noise", "/** Noise of one kind. */ export interface A { sigma: number }"],
    ["unit margin", "attacks", 'const O = z.object({ margin: z.number().describe("how far") });'],
    ["source f", "attacks", "/** A very good attack. */ export function f(): BoundedAttack {}"],
    ["source f", "losses", "/** The loss of rows. */ export const f: LossDefinition<F> = {};"],
    ["source n", "noise", "/** Noise of one kind. */ export const n: Distribution = {};"],
    ["source d", "defenses", "/** Trains in a new way. */ export function d(): Objective {}"],
    ["source p", "attacks", '/** A good attack. */ export const p = defineAttack({ name: "p" });'],
    [
      "source p",
      "attacks",
      '/** A good attack. */ export const p = defineAttack({ name: "p", source: "a good one" });',
    ],
  ])("find: %s", (finding, folder, code) => {
    expect(rulesOf(folder, code)).toContain(finding);
  });

  it.each([
    [
      "attacks",
      "/** Turns logits [batch, classes] into losses. */ export const f = (z: Value) => z;",
    ],
    ["attacks", "/** Ascends; one key per example. */ export function f(keys: readonly Key[]) {}"],
    ["models", "/** The nodes of a graph of any shape. */ export function f(x: Value): void {}"],
    ["models", "/** A batch. */ interface Hidden { readonly x: Tensor }"],
    [
      "models",
      "/** A network in use.\n *\n * @example\n * ```ts\n * new A()\n * ``` */ export class A {}",
    ],
    ["models", "/** Reads the bytes of a file. */ export const f = (b: Uint8Array) => 1;"],
    [
      "attacks",
      "/** Moves by epsilon, for pixels in [0, 1]. */ export const f = (epsilon: number) => 1;",
    ],
    ["attacks", 'const O = z.object({ confidence: z.number().describe("margin, in logits") });'],
    ["attacks", "/** PGD (Madry et al. 2018, arXiv:1706.06083). */ export function f(): Attack {}"],
    [
      "attacks",
      '/** A good attack. */ export const p = defineAttack({ name: "p", source: "Madry et al. 2018" });',
    ],
    ["losses", "/** The margin; closed form. */ export const f: LossDefinition<F> = {};"],
    ["models", "/** A network in use. */ export class A { #f(x: Tensor): Tensor {} }"],
  ])("find nothing wrong in src/%s: %s", (folder, code) => {
    expect(rulesOf(folder, code)).toEqual([]);
  });

  it.each(folders)("state shapes, units and sources in src/%s", (folder) => {
    const found = filesOf(folder).flatMap((path) =>
      docstringFindings(folder, path, readFileSync(join(root, path), "utf8")).map(
        ({ rule, name }) => `${path}: ${rule} of ${name}`,
      ),
    );
    expect(found).toEqual([]);
  });
});
