'use strict';

/** Functions that make an element with attributes and children; text becomes a text node, never markup. */
const builder = (create) => (name, attributes = {}, ...children) => {
  const node = create(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const html = builder((name) => document.createElement(name));
const svg = builder((name) => document.createElementNS('http://www.w3.org/2000/svg', name));

const byId = (id) => document.getElementById(id);

/** The width of a text in a figure's font, bold to be safe, in pixels. */
const textWidth = (() => {
  const pen = document.createElement('canvas').getContext('2d');
  return (text) => {
    pen.font = `600 12px ${getComputedStyle(byId('plot')).fontFamily}`;
    return pen.measureText(text).width;
  };
})();

/** The text, or as much of it as fits into that many pixels. */
function fitted(text, width) {
  if (textWidth(text) <= width) return text;
  const letters = [...text];
  while (letters.length && textWidth(`${letters.join('')}…`) > width) letters.pop();
  return `${letters.join('')}…`;
}

/** An empty picture of that size in pixels, which shrinks where the page is narrower. */
const picture = (width, height) => svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' });
