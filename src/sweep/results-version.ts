import { version } from "../files/version.ts";

/** Counts changes of results within one version of the package. Increase it when the golden runs change. */
const REVISION = 1;

/** The version of the code that results depend on: `0.1.0-1`. */
export const RESULTS_VERSION = `${version}-${REVISION}`;
