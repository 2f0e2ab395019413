/** A number that JSON could not hold stands there as the text "nan", "inf" or "-inf". */
const SPECIAL = { inf: Infinity, '-inf': -Infinity, nan: NaN };
const number = (value) => (typeof value === 'string' ? SPECIAL[value] : value);

/** A value as a person reads it, to four places. */
function shown(value) {
  if (Number.isNaN(value) || value === undefined) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const text = Math.abs(value) >= 1e4 ? value.toExponential(3) : value.toFixed(4);
  return text.replace('-', '−');
}

/** What stands on an axis: thousands apart, no digits that say nothing, a minimum of decimals. */
function tickLabel(value, decimals = 0) {
  const round = Number(value.toPrecision(6));
  const form = { minimumFractionDigits: Math.min(decimals, 6), maximumFractionDigits: Math.max(decimals, 6) };
  return round.toLocaleString('en', form).replace('-', '−');
}

const interval = (low, high) => (Number.isFinite(low) ? `${shown(low)} to ${shown(high)}` : 'no interval');

/** The least and the greatest finite value, or the default where there is none. */
function extent(values, fallback) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return fallback;
  return finite.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}
