// @ts-check

/** @typedef {Record<string, string | number>} Attributes */

/**
 * Set the attributes and add the children; text becomes a text node, never markup.
 * @template {Element} T
 * @param {T} node
 * @param {Attributes} attributes
 * @param {(Node | string)[]} children
 */
function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} name
 * @param {Attributes} [attributes]
 * @param {(Node | string)[]} children
 */
const html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} name
 * @param {Attributes} [attributes]
 * @param {(Node | string)[]} children
 */
const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

/**
 * The page's element with that id, which has to be of that class.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${kind.name} with the id ${id}`);
  return found;
}

/** The page's HTML elements that a selector finds. @param {string} selector */
const elements = (selector) => /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector));

const pen = document.createElement('canvas').getContext('2d');

/** The width of a text in a figure's font, bold to be safe, in pixels. @param {string} text */
function textWidth(text) {
  if (!pen) return 7 * text.length; // a browser without a canvas
  pen.font = `600 12px ${getComputedStyle(byId('plot', HTMLElement)).fontFamily}`;
  return pen.measureText(text).width;
}

/**
 * The text, or as much of it as fits into that many pixels.
 * @param {string} text
 * @param {number} width
 */
function fitted(text, width) {
  if (textWidth(text) <= width) return text;
  const letters = [...text];
  while (letters.length && textWidth(`${letters.join('')}…`) > width) letters.pop();
  return `${letters.join('')}…`;
}

/**
 * An empty picture of that size in pixels, which shrinks where the page is narrower.
 * @param {number} width
 * @param {number} height
 */
const picture = (width, height) => svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' });
