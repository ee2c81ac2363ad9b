// A prover, a certifier and a search that are wrong on purpose are found out; the real ones never are. All cases share the three
// liars, which is why this file has over 300 lines.
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import * as fixture from "../../../test/fixtures/audit-fixture.ts";
import type { CertifyEvent } from "../../certify/certification.ts";
import { parseNpz } from "../../data/npz.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import * as core from "../../index.ts";
import { nodeRuntime } from "../../node.ts";
import type { ProofRow } from "../../verify/proof-row.ts";
import type { CheckRow } from "./check-row.ts";
import { contradictionText } from "./contradiction.ts";

/** False findings of the prover, the certifier and the search for smallest radii; undefined keeps the true ones. */
const lies: { proven?: boolean; radius?: number; found?: number } = {};

vi.mock("../../verify/robustness.ts", async (original) => {
  const real = await original<typeof import("../../verify/robustness.ts")>();
  class Liar extends real.RegionProof {
    override get found() {
      return Object.assign(super.found, lies.proven === undefined ? {} : { proven: lies.proven });
    }
  }
  class RobustnessProver extends real.RobustnessProver {
    override open(...given: Parameters<InstanceType<typeof real.RobustnessProver>["open"]>) {
      return Object.setPrototypeOf(super.open(...given), Liar.prototype);
    }
  }
  return Object.assign({}, real, { RobustnessProver });
});

vi.mock("../../certify/certification.ts", async (original) => {
  const real = await original<typeof import("../../certify/certification.ts")>();
  return Object.assign({}, real, {
    async *certifyDataset(...given: Parameters<typeof real.certifyDataset>) {
      for await (const event of real.certifyDataset(...given)) yield exaggerated(event);
    },
  });
});

vi.mock("../smallest/search.ts", async (original) => {
  const real = await original<typeof import("../smallest/search.ts")>();
  return Object.assign({}, real, {
    async *searchRadii(...given: Parameters<typeof real.searchRadii>) {
      const [search] = given;
      for await (const rows of real.searchRadii(...given)) {
        const [row] = rows.filter(({ index }) => index === 0);
        const { found } = lies;
        if (row !== undefined && found !== undefined) {
          const seen = { prediction: 1, linf: found, l2: found, l1: found, correct8bit: 1 };
          Object.assign(row, { radius: found, found: seen });
          const image = search.test.images([0]);
          await search.inspect?.({ row, original: image, adversarial: image });
        }
        yield rows;
      }
    },
  });
});

function exaggerated(event: CertifyEvent): CertifyEvent {
  const { radius } = lies;
  if (radius === undefined) return event;
  const row = Object.assign({}, event.row, { radius: { l2: radius, l1: radius, linf: radius } });
  return Object.assign({}, event, { row });
}

let device: Runtime;
let bytes: Uint8Array;
const images = core.tensor([fixture.count, 1, 4, 4], fixture.pixels.map(in8Bits));
const dataset = core.imageDataset({
  images,
  labels: fixture.labels,
  classes: ["0", "1", "2", "3"],
  name: "quarters",
});

function in8Bits(pixel: number): number {
  return Math.round(255 * pixel) / 255;
}

beforeAll(async () => {
  device = await nodeRuntime({ threads: 1, lowering: "plain" });
  bytes = readFileSync(fixture.network("quarters"));
});
beforeEach(() => {
  lies.proven = undefined;
  lies.radius = undefined;
  lies.found = undefined;
});
afterAll(fixture.removeFolder);

const examples = 3;
const shared = { examples, budget: "quick", norms: ["l2"], prove: true, name: "q.onnx" } as const;
const noisy = { ...shared, noise: "normal:0.1", proveN: 300, epsilonL2: [0.1, 0.9] };
const auditIn = (out: core.Storage, more: object) =>
  core.audit(bytes, { ...shared, device, data: dataset, out, ...more });
const text = async (out: core.Storage, name: string) =>
  new TextDecoder().decode(await out.read(name));

describe("a proof that is wrong", () => {
  it("is found by the first attack, and the record and the image that refutes it are kept", async () => {
    lies.proven = true;
    const out = core.memoryStorage("memory");
    const { proofs, valid } = await auditIn(out, { epsilonL2: [0.9] });
    expect(valid).toBe(false);
    expect(proofs?.contradictions).toHaveLength(examples);
    const [first] = proofs?.contradictions ?? [];
    expect(first).toMatchObject({
      index: 0,
      norm: "l2",
      epsilon: 0.9,
      record: `memory/contradictions/0-${first.attack}-0.9.json`,
      image: `memory/contradictions/0-${first.attack}-0.9.npz`,
    });
    const record = JSON.parse(await text(out, `contradictions/0-${first.attack}-0.9.json`));
    expect(record.proof).toMatchObject({ index: 0, status: "proven", norm: "l2", epsilon: 0.9 });
    const npz = parseNpz("image", await out.read(`contradictions/0-${first.attack}-0.9.npz`));
    const [x, y] = ["original", "adversarial"].map((name) => npz.get(name)?.data as Float32Array);
    expect(x).toEqual(images.data.slice(0, 16));
    expect(y).not.toEqual(x);
    const length = Math.hypot(...Array.from(y, (pixel, i) => pixel - x[i]));
    expect(length).toBeLessThanOrEqual(0.9);
    expect(proofs?.balls).toMatchObject([
      { proven: 0, broken: examples, undecided: 0, contradicted: examples },
    ]);
    const lines = (await text(out, "rows.proofs.jsonl")).trim().split("\n");
    const rows: ProofRow[] = lines.map((line) => JSON.parse(line));
    expect(rows.filter(({ status }) => status === "proven")).toHaveLength(examples);
    const { record: json, image } = first;
    expect(rows.find(({ index, refuted }) => index === 0 && refuted !== undefined)).toMatchObject({
      status: "broken",
      method: first.attack,
      margin: null,
      refuted: { method: record.proof.method, attack: first.attack, record: json, image },
    });
  });

  it("is replaced in each ball that holds the image, and a resumed audit counts the same", async () => {
    lies.proven = true;
    const out = core.memoryStorage("memory");
    const more = { epsilonL2: [0.9, 1.2] };
    const { proofs } = await auditIn(out, more);
    expect(proofs?.balls.map(({ contradicted }) => contradicted)).toEqual([examples, examples]);
    const again = await auditIn(out, Object.assign({ resume: true }, more));
    expect(again.proofs?.balls).toEqual(proofs?.balls);
    expect(again.proofs?.contradictions).toEqual(proofs?.contradictions);
  });

  it("is found in the ball of another norm, and once more where the audit is resumed", async () => {
    lies.proven = true;
    const out = core.memoryStorage("memory");
    // Only the larger ball holds what breaks in the smaller one.
    const more = { norms: ["linf", "l2"], epsilonLinf: [0.5], epsilonL2: [0.9] };
    const { proofs } = await auditIn(out, more);
    const found = proofs?.contradictions ?? [];
    expect(found.length).toBeGreaterThanOrEqual(examples);
    const again = await auditIn(out, { ...more, resume: true });
    expect(again.proofs?.contradictions).toEqual(found);
    expect(again.valid).toBe(false);
  });

  it("ends the command with exit code 1 and a message that names both files", async () => {
    lies.proven = true;
    const out = fixture.place();
    const { code, err } = await fixture.typed([
      ...fixture.words(fixture.good, out, "--norms", "l2", "--epsilon-l2", "0.9"),
      "--examples",
      "2",
      "--prove",
    ]);
    expect(code).toBe(1);
    const files =
      /image 0 is proven, and \S+ at ε 0.9 broke it: (\S+) and (\S+)\. This is a bug/.exec(err);
    const [, record = "", image = ""] = files ?? [];
    expect([existsSync(record), existsSync(image)]).toEqual([true, true]);
  });
});

describe("a certificate that is wrong", () => {
  it("is refuted by fresh draws at an adversarial image inside its radius", async () => {
    lies.radius = 2;
    const out = core.memoryStorage("memory");
    const { proofs, valid } = await auditIn(out, noisy);
    expect(valid).toBe(false);
    const found = proofs?.contradictions ?? [];
    expect(found.length).toBeGreaterThanOrEqual(examples);
    const [{ record, image }] = found;
    const evidence = JSON.parse(await text(out, String(record).replace("memory/", "")));
    expect(evidence.certificate).toMatchObject({ radius: { l2: 2 }, noise: "normal:0.1" });
    expect(evidence.check).toMatchObject({ refuted: true, of: 10_000, level: 1e-6 });
    expect(await out.readIfThere(String(image).replace("memory/", ""))).not.toBeNull();
    const again = await auditIn(out, { ...noisy, resume: true });
    expect(again.proofs?.contradictions).toEqual(found);
  });

  it("proves no ball any more once it is refuted", async () => {
    lies.radius = 2;
    const { proofs } = await auditIn(core.memoryStorage("memory"), noisy);
    expect(proofs?.balls).toMatchObject([
      { epsilon: 0.1, proven: 0, broken: 0, undecided: examples },
      { epsilon: 0.9, proven: 0, broken: examples, undecided: 0 },
    ]);
  });

  it("is found by an audit that continues rows of one without certificates, with the image", async () => {
    const out = core.memoryStorage("memory");
    await auditIn(out, { ...noisy, prove: false });
    lies.radius = 2;
    const { proofs } = await auditIn(out, { ...noisy, resume: true });
    const found = proofs?.contradictions ?? [];
    expect(new Set(found.map(({ index }) => index)).size).toBe(examples);
    for (const { image } of found)
      expect(await out.readIfThere(String(image).replace("memory/", ""))).not.toBeNull();
  });

  it("is reported as chance or bug, with the way to tell", () => {
    const found = { index: 3, attack: "pgd-l2", norm: "l2", epsilon: 0.5, record: "r", image: "i" };
    const text = contradictionText(found, "certificate");
    expect(text).toContain("wrong with probability alpha (0.001)");
    expect(text).toContain("with another --seed and --out");
    expect(contradictionText(found, "proof")).not.toContain("alpha");
  });

  it("is not refuted where draws of the attack were unlucky", async () => {
    // The radius is a lie, but the class stays the most frequent one in this ball.
    lies.radius = 0.45;
    const out = core.memoryStorage("memory");
    const { proofs } = await auditIn(out, { ...noisy, epsilonL2: [0.44] });
    expect(proofs?.contradictions).toEqual([]);
  });
});

describe("a certificate and a proof that are right", () => {
  it("are never contradicted, whatever the radius", async () => {
    const certified = await auditIn(core.memoryStorage("a"), noisy);
    expect(certified.proofs).toMatchObject({ kind: "certificate", contradictions: [] });
    expect(certified.proofs?.balls).toMatchObject([
      { epsilon: 0.1, proven: examples, broken: 0, undecided: 0 },
      { epsilon: 0.9, proven: 0, broken: examples, undecided: 0 },
    ]);
    const proven = await auditIn(core.memoryStorage("b"), { epsilonL2: [0.3, 0.5, 0.6, 0.9] });
    expect(proven.proofs).toMatchObject({ kind: "proof", contradictions: [] });
  });

  it("are told apart from breaks that fresh draws do not confirm", async () => {
    const out = core.memoryStorage("memory");
    await auditIn(out, noisy);
    const bytesOfChecks = await out.readIfThere("rows.checks.jsonl");
    const checks: CheckRow[] =
      bytesOfChecks === null
        ? []
        : new TextDecoder()
            .decode(bytesOfChecks)
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
    expect(checks.every(({ refuted }) => !refuted)).toBe(true);
  });
});

it("a certificate is refused for a rule that averages scores", async () => {
  const refused = auditIn(core.memoryStorage("a"), { ...noisy, rule: "mean:3" });
  await expect(refused).rejects.toMatchObject({ code: "misfit" });
});

describe("a search for smallest radii", () => {
  it("that finds an image in a proven ball refutes the proof, and both are kept", async () => {
    lies.found = 0.0005;
    const out = core.memoryStorage("memory");
    const { proofs, valid } = await auditIn(out, { epsilonL2: [0.001] });
    expect(valid).toBe(false);
    expect(proofs?.contradictions).toEqual([
      {
        index: 0,
        attack: "smallest-l2",
        norm: "l2",
        epsilon: 0.0005,
        record: "memory/contradictions/0-smallest-l2-0.0005.json",
        image: "memory/contradictions/0-smallest-l2-0.0005.npz",
      },
    ]);
    const record = JSON.parse(await text(out, "contradictions/0-smallest-l2-0.0005.json"));
    expect(record).toMatchObject({ proof: { status: "proven" }, attacked: { l2: 0.0005 } });
    expect(proofs?.balls).toMatchObject([{ broken: 1, proven: examples - 1, contradicted: 1 }]);
    const again = await auditIn(out, { epsilonL2: [0.001], resume: true });
    expect(again.proofs).toEqual(proofs);
  });

  it("that finds an image in a ball whose attacks failed lowers the accuracy, in the report too", async () => {
    lies.found = 0.0005;
    const out = core.memoryStorage("memory");
    const found = await auditIn(out, { epsilonL2: [0.0001, 0.001], prove: false });
    expect(found.norms.map(({ accuracy }) => accuracy.mean)).toEqual([1, 2 / 3]);
    expect(found.union.mean).toBe(2 / 3);
    expect(found.union8bit.mean).toBe(1);
    const last = found.norms[1].attacks.at(-1);
    expect(last).toMatchObject({ attack: "smallest-l2", tried: examples, broken: 1 });
    const wins = found.diagnostics.find(({ code }) => code === "search-wins");
    expect(wins).toMatchObject({ severity: "note", text: expect.stringContaining("1 image") });
    expect((await text(out, "report.html")).split("smallest-l2").length).toBeGreaterThan(8);
    expect(await text(out, "rows.jsonl")).not.toContain("smallest-l2");
    const { accuracies } = await core.compare(out, out);
    expect(accuracies.map(({ before }) => before)).toEqual([1, 1, 2 / 3]);
  });
});
