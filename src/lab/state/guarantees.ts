// What is certified under noise, and what is proven without it.
import { computed, effect, signal, untracked } from "@preact/signals";
import type { CertificateMoment, Norm, ProofMoment } from "../protocol.ts";
import { clean, labelOf } from "./attack.ts";
import { model, picture } from "./model.ts";
import { imageIndex, norm, seed, view } from "./scene.ts";
import { type Asked, Series } from "./series.ts";
import { lab } from "./worker.ts";

/** Noise that the user chose for the certificate; null for that of the model. */
export const chosenNoise = signal<string | null>(null);
/** Draws that bound the probability of the class. */
export const draws = signal(2000);
/** The norm of the proof. */
export const proofNorm = signal<Norm>("linf");

const DEFAULT_NOISE = "normal:0.25";
export const N0 = 100;
export const ALPHA = 0.001;

/** The noise of the certificate. */
export const noise = computed(() => chosenNoise.value ?? model.value?.noise ?? DEFAULT_NOISE);

function startCertificate(): Promise<Asked<CertificateMoment>> | null {
  const one = picture.value;
  if (one === null) return null;
  const settings = {
    noise: noise.value,
    n0: N0,
    n: draws.value,
    alpha: ALPHA,
    seed: seed.value,
    index: imageIndex.value,
  };
  // Comlink hands out the worker's object itself.
  return lab.certificate(settings, one) as unknown as Promise<Asked<CertificateMoment>>;
}

function startProof(): Promise<Asked<ProofMoment>> | null {
  const [one, before] = [picture.value, clean.value];
  if (one === null || before === null) return null;
  const settings = { norm: proofNorm.value, label: labelOf(one, before), seed: seed.value };
  return lab.proof(settings, one) as unknown as Promise<Asked<ProofMoment>>;
}

/** The certificate of the image. */
export const certificate = new Series<CertificateMoment>(
  startCertificate,
  ({ phase }) => phase === "done",
);

/** The proof of the image. */
export const proof = new Series<ProofMoment>(startProof, ({ done }) => done);

/** Drops what was found whenever the model, the image or a setting changes, and pauses behind other views. */
export function followGuarantees(): void {
  effect(() => {
    void [model.value, picture.value, noise.value, draws.value, seed.value];
    untracked(() => certificate.reset());
  });
  effect(() => {
    void [model.value, picture.value, clean.value, proofNorm.value, seed.value];
    untracked(() => proof.reset());
  });
  effect(() => {
    if (view.value === "guarantees") return;
    untracked(() => {
      certificate.pause();
      proof.pause();
    });
  });
  effect(() => {
    proofNorm.value = norm.value;
  });
}
