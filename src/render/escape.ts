/** Strings of a dead process are hostile: this makes them visible and measurable before they reach a terminal, a file or a shell line. */

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e' };

function codeOf(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/**
 * Shows every character that does not print as itself as an escape: control characters, terminal escapes, marks that reverse the text,
 * invisible and unassigned ones, lone surrogates. Piles of combining marks are cut after four.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, codeOf).replace(/(\p{M}{4})\p{M}+/gu, '$1');
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Script=Tangut}\p{Emoji_Presentation}\u3000-\u303e\u30fc\uff01-\uff60\uffe0-\uffe6]/u;
const ZERO = /\p{M}/u;
const PLAIN = /^[\x20-\x7e]*$/;

function characterWidth(character: string): number {
  if (character <= '\u02ff') return 1;
  if (ZERO.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Columns that `text` takes in a terminal; it must already be `visible`. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The longest start of `text` that fits in `width` columns. */
function head(text: string, width: number): string {
  let used = 0;
  let end = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** Cuts `text` to `width` columns and says so with an ellipsis. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return width < 1 ? '' : `${head(text, width - 1)}…`;
}

/** Cuts the start of `text`: of a path, the end tells most. */
export function clipStart(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  const characters = Array.from(text);
  let used = 1;
  let from = characters.length;
  for (let at = characters.length - 1; at >= 0; at--) {
    used += characterWidth(characters[at] ?? '');
    if (used > width) break;
    from = at;
  }
  return `…${characters.slice(from).join('')}`;
}

/** Pads `text` with spaces to `width` columns. */
export function pad(text: string, width: number, side: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return side === 'left' ? space + text : text + space;
}

/** Plain spaces only: others are part of a name. */
const withoutEnd = (text: string): string => text.replace(/ +$/, '');

/** Breaks `text` into lines of at most `width` columns, at spaces where there are any. Runs of spaces inside a line are kept. */
export function wrap(text: string, width: number): string[] {
  const limit = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const piece of text.split(/(?<= )(?=[^ ])/)) {
    let word = piece;
    if (line !== '' && displayWidth(line) + displayWidth(withoutEnd(word)) > limit) {
      lines.push(withoutEnd(line));
      line = '';
    }
    while (displayWidth(withoutEnd(word)) > limit) {
      const start = head(word, limit);
      // A wide character in a one-column line has to go somewhere.
      const taken = start === '' ? (/^./su.exec(word)?.[0] ?? word) : start;
      lines.push(taken);
      word = word.slice(taken.length);
    }
    line += word;
  }
  if (withoutEnd(line) !== '' || lines.length === 0) lines.push(withoutEnd(line));
  return lines;
}

/** Quotes one word of a shell line, so that it can be copied from the screen and mean the same. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-')) return text;
  if (visible(text) === text) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = [...new TextEncoder().encode(text)].map((byte) =>
    byte > 0x1f && byte < 0x7f && byte !== 0x27 && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `$'${escaped.join('')}'`;
}
