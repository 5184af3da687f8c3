// @ts-check
// Elements and figures. Every text that comes from a client goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} element
 * @param {Record<string, any>} properties
 * @param {any[]} children
 */
function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || (value === false && !name.startsWith("aria-"))) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) element.setAttribute(name, String(value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== false && child !== undefined),
  );
  return element;
}

/**
 * An element of HTML.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...any} children
 * @returns {HTMLElement}
 */
export function html(tag, properties = {}, ...children) {
  return /** @type {HTMLElement} */ (fill(document.createElement(tag), properties, children));
}

/**
 * An element of SVG.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...any} children
 * @returns {SVGElement}
 */
export function svg(tag, properties = {}, ...children) {
  return /** @type {SVGElement} */ (fill(document.createElementNS(SVG, tag), properties, children));
}

/**
 * The element under an id of the page.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Put children into an element, unless they are what was put there last: a button that is replaced while it is
 * pressed is never clicked.
 * @param {Element & { drawn?: string }} element
 * @param {unknown} shown what the children depend on
 * @param {() => any[]} children
 */
export function draw(element, shown, children) {
  const drawn = JSON.stringify(shown);
  if (element.drawn === drawn) return;
  element.drawn = drawn;
  element.replaceChildren(...children());
}

/**
 * @param {number | null} bits a second
 */
export function rate(bits) {
  if (bits === null) return "–";
  if (bits < 1) return "0";
  if (bits < 999_500) return `${Math.max(1, Math.round(bits / 1000))} kbit/s`;
  return `${(bits / 1e6).toFixed(bits < 9.95e6 ? 1 : 0)} Mbit/s`;
}

/**
 * What people call a session.
 * @param {{ session_id: string, correlation_id?: string | null }} session
 */
export function called(session) {
  return session.correlation_id || session.session_id.slice(0, 6);
}
