/** Colour, decided once: a view asks for a meaning and gets the text back, painted or not. Escapes have no width, so lines are laid out first and painted last. */

/** What a piece of text is. */
type Style = 'heading' | 'strong' | 'faint' | 'good' | 'warn' | 'bad';

/** Wraps a piece of text in the codes of its style. */
export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  heading: [1, 22],
  strong: [1, 22],
  faint: [2, 22],
  good: [32, 39],
  warn: [33, 39],
  bad: [31, 39],
};

/** Leaves text as it is: for files, pipes and `--no-color`. */
export const plain: Paint = (_style, text) => text;

/** The sixteen colours every terminal has. */
export const ansi: Paint = (style, text) => {
  const [on, off] = CODES[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
};
