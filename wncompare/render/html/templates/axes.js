// @ts-check

/**
 * A function from values to pixels, linear or logarithmic.
 * @param {Span} values
 * @param {Span} pixels
 * @param {boolean} log
 * @returns {Scale}
 */
function scale([low, high], [from, to], log) {
  /** @type {Scale} */
  const measure = log ? Math.log10 : (value) => value;
  const factor = (to - from) / (measure(high) - measure(low) || 1);
  return (value) => from + (measure(value) - measure(low)) * factor;
}

/**
 * Round values across the range, about `count` of them.
 * @param {Span} range
 * @param {number} count
 * @param {boolean} log
 */
function ticks([low, high], count, log, whole = false) {
  const marks = log ? logTicks(low, high) : [];
  return marks.length > 2 ? thinned(marks, count) : linearTicks(low, high, count, whole);
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @param {boolean} whole
 */
function linearTicks(low, high, count, whole) {
  const raw = (high - low || 1) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const rounded = power * ([1, 2, 5].find((multiple) => multiple * power >= raw * (1 - 1e-9)) ?? 10);
  const step = whole ? Math.max(1, Math.round(rounded)) : rounded;
  const marks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) marks.push(index * step);
  return marks;
}

/**
 * 1, 2 and 5 times each power of ten.
 * @param {number} low
 * @param {number} high
 */
function logTicks(low, high) {
  const marks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    marks.push(...[1, 2, 5].map((multiple) => multiple * 10 ** power));
  }
  return marks.filter((mark) => mark >= low * (1 - 1e-9) && mark <= high * (1 + 1e-9));
}

/**
 * Powers of ten alone where all marks would crowd.
 * @param {number[]} marks
 * @param {number} count
 */
function thinned(marks, count) {
  const decades = marks.filter((mark) => Number.isInteger(Math.round(Math.log10(mark) * 1e9) / 1e9));
  return marks.length > 2 * count && decades.length > 1 ? decades : marks;
}

/**
 * Each mark with its text, all with as many decimals as the one that needs most.
 * @param {number[]} marks
 */
function labelled(marks) {
  const decimals = Math.max(...marks.map((mark) => (tickLabel(mark).split('.')[1] ?? '').length));
  return marks.map((mark) => ({ mark, text: tickLabel(mark, decimals) }));
}

/**
 * The x axis: a baseline, labelled ticks and a name.
 * @param {Frame} frame
 * @param {Scale} x
 * @param {number[]} marks
 * @param {string} name
 */
function xAxis(frame, x, marks, name) {
  const group = svg('g', { class: 'axis x-axis' });
  group.append(svg('line', { class: 'baseline', x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  for (const { mark, text } of labelled(marks)) {
    group.append(svg('line', { class: 'tick', x1: x(mark), x2: x(mark), y1: frame.bottom, y2: frame.bottom + 5 }));
    group.append(svg('text', { x: x(mark), y: frame.bottom + 19, 'text-anchor': 'middle' }, text));
  }
  const middle = (frame.left + frame.right) / 2;
  group.append(svg('text', { class: 'name', x: middle, y: frame.bottom + 40, 'text-anchor': 'middle' }, name));
  return group;
}

/**
 * The y axis: a faint line and a label a tick; its name stands above.
 * @param {Frame} frame
 * @param {Scale} y
 * @param {number[]} marks
 * @param {string} name
 */
function yAxis(frame, y, marks, name) {
  const group = svg('g', { class: 'axis y-axis' });
  for (const { mark, text } of labelled(marks)) {
    group.append(svg('line', { class: 'grid', x1: frame.left, x2: frame.right, y1: y(mark), y2: y(mark) }));
    group.append(svg('text', { x: frame.left - 8, y: y(mark) + 4, 'text-anchor': 'end' }, text));
  }
  group.append(svg('text', { class: 'name', x: 0, y: 14 }, name));
  return group;
}
