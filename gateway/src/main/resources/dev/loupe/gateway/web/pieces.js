// Tokens as readers see text: a character whose bytes lie in several tokens is shown once, whole.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What each token shows: the text it stands for, or, where characters lie in several tokens, the text of all of
 * these at the first and nothing at the others. `part` counts the tokens that share characters, from 0, `of` says
 * how many they are.
 * @param tokens what each token stands for by itself
 * @param text what they stand for together
 * @param byteEnds where each token ends in the text's UTF-8 form; 0 for one that was put before the text
 */
export function pieces(tokens, text, byteEnds) {
  if (!text || byteEnds.length !== tokens.length) {
    return tokens.map((token) => ({ text: token, part: 0, of: 1 }));
  }
  const bytes = encoder.encode(text);
  const shown = [];
  let from = 0;
  for (let first = 0; first < tokens.length;) {
    let last = first;
    while (last + 1 < tokens.length && isInsideCharacter(bytes, byteEnds[last])) {
      last++;
    }
    const end = byteEnds[last];
    const whole = end > from ? decoder.decode(bytes.subarray(from, end)) : tokens[first];
    for (let i = first; i <= last; i++) {
      shown.push({ text: i === first ? whole : '', part: i - first, of: last - first + 1 });
    }
    from = Math.max(from, end);
    first = last + 1;
  }
  return shown;
}

/** The text around a token that shows nothing itself. */
export function wholeOf(shown, index) {
  return shown[index - shown[index].part].text;
}

/** UTF-8's bytes of the form 10xxxxxx go on with a character. */
function isInsideCharacter(bytes, at) {
  return at < bytes.length && (bytes[at] & 0xc0) === 0x80;
}
