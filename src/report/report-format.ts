/**
 * The formats of a report. They are kept apart from the writers, whose chart libraries a page loads only with its first
 * report.
 */
export const formats = ["html", "md", "csv", "json"] as const;
/** A format of a report. */
export type Format = (typeof formats)[number];

/** The formats of a comparison. */
export const comparisonFormats = ["html", "md", "json"] as const;
/** A format of a comparison. */
export type ComparisonFormat = (typeof comparisonFormats)[number];
