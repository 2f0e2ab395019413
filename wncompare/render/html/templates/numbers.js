// @ts-check

const SPECIAL = { inf: Infinity, '-inf': -Infinity, nan: NaN };

/** A number that JSON could not hold stands there as text. @param {Stored} value */
const number = (value) => (typeof value === 'string' ? SPECIAL[value] : value);

/** A value as a person reads it, to four places. @param {number} value */
function formatted(value) {
  if (Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const text = Math.abs(value) >= 1e4 ? value.toExponential(3) : value.toFixed(4);
  return text.replace('-', '−');
}

/**
 * What stands on an axis: thousands apart, no digits that say nothing, a minimum of decimals.
 * @param {number} value
 */
function tickLabel(value, decimals = 0) {
  const round = Number(value.toPrecision(6));
  const form = { minimumFractionDigits: Math.min(decimals, 6), maximumFractionDigits: Math.max(decimals, 6) };
  return round.toLocaleString('en', form).replace('-', '−');
}

/**
 * @param {number} low
 * @param {number} high
 */
const interval = (low, high) => (Number.isFinite(low) ? `${formatted(low)} to ${formatted(high)}` : 'no interval');
