/** The names in a text, separated by white space. */
export const words = (text: string): string[] => text.trim().split(/\s+/);
