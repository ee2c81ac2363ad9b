// What the settings file beside rows records, whatever the rows are about.
import type { Host } from "../host/host.ts";
import { version } from "../version.ts";

/** The model and the command that rows come from. */
export interface RowsOrigin {
  readonly model: { readonly name: unknown; readonly path: unknown; readonly defense: unknown };
  readonly host: Host;
  readonly command?: string | undefined;
}

/** The record of a run: its model, the settings that a resumed run must share, versions, machine, command and start. */
export function settingsRecord(
  { model, host, command }: RowsOrigin,
  compared: Readonly<Record<string, unknown>>,
) {
  const { name, path, defense } = model;
  return {
    model: { name, path, defense },
    compared,
    versions: { rampart: version },
    machine: host.machine(),
    command: command ?? null,
    started: host.now().toISOString(),
  };
}
