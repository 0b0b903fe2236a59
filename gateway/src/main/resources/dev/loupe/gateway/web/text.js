// How tokens and numbers are shown.

/** A token with its white space made visible. */
export function visible(token) {
  if (token === '') {
    return '∅';
  }
  if (/^\ufffd+$/.test(token)) {
    return '⟨bytes⟩'; // a part of a character alone, which no text shows
  }
  return token
    .replace(/^ /, '·')
    .replace(/\n/g, '↵')
    .replace(/\t/g, '⇥')
    .replace(/\r/g, '␍')
    .replace(/ +$/, (spaces) => '·'.repeat(spaces.length));
}

/** A token as part of running text. */
export function running(token) {
  return token.replace(/\n/g, '↵');
}

export function percent(share) {
  if (share > 0 && share < 0.001) {
    return '<0.1%';
  }
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
}

/** Three significant digits, without an exponent where that is readable. */
export function number(value) {
  if (value === 0) {
    return '0';
  }
  const size = Math.abs(value);
  return size >= 0.001 && size < 100000
    ? String(Number(value.toPrecision(3)))
    : value.toExponential(1);
}

export function count(value) {
  return Number(value).toLocaleString('en');
}

/** The last part of a resource name. */
export function id(name) {
  return name.slice(name.lastIndexOf('/') + 1);
}
