import { clean } from "../state/attack.ts";
import { model, picture } from "../state/model.ts";
import { CertificatePanel } from "./certificate-panel.tsx";
import { ProofPanel } from "./proof-panel.tsx";

/** What no attack can break: a certificate by sampling, or a proof. */
export function GuaranteesView() {
  const [network, one, before] = [model.value, picture.value, clean.value];
  if (network === null || one === null || before === null)
    return <p class="empty">{network === null ? "" : "Choose an image."}</p>;
  return (
    <>
      <p class="lead">
        Attacks show what breaks a network. A certificate or a proof shows what cannot: within the
        radius, no perturbation changes the answer.
      </p>
      <div class="columns">
        <CertificatePanel network={network} />
        <ProofPanel network={network} />
      </div>
    </>
  );
}
