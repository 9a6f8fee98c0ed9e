// Words and numbers.

const SECOND = 1000; // of what the browser counts time in

const wholeNumber = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const clockTime = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const fullTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

const whole = (value) => wholeNumber.format(value);
const clock = (seconds) => clockTime.format(seconds * SECOND);
const counted = (count, noun) => `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;

function percent(ratio) {
  if (ratio > 0 && ratio < 0.001) return '<0.1 %';
  return `${(100 * ratio).toFixed(ratio > 0 && ratio < 0.0995 ? 1 : 0)} %`;
}

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

function few(value) {
  if (value < 10 && value !== Math.round(value)) return value.toFixed(1);
  return whole(value);
}

/** The two largest units: "2 h 10 min". */
function duration(seconds) {
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  let rest = Math.max(0, Math.floor(seconds));
  const largest = units.findIndex(([, size]) => rest >= size);
  if (largest < 0) return '0 s';
  const parts = [];
  for (const [name, size] of units.slice(largest, largest + 2)) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)} ${name}`);
    rest %= size;
  }
  return parts.join(' ');
}

/** Rows with the names of their columns once, as objects. */
function unpack({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}
