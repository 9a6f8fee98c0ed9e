// The status page's script, in the order of page.html; the build makes one of its files. No framework, nothing from
// elsewhere, and addresses are relative, so that it works behind a path of a proxy's.
//
// Elements are made once and then changed in place, so that neither the focus nor a selection is lost. Styles are set
// on elements: the page's policy allows no other way.
'use strict';

const byId = (id) => document.getElementById(id);

/** An element with these properties, and these children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'data') Object.assign(element.dataset, value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Leaves alone what is so already: nothing is drawn, or read out, again. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** So many children, those that are there kept. */
function keepChildren(parent, count, makeOne) {
  while (parent.childElementCount > count) parent.lastElementChild.remove();
  while (parent.childElementCount < count) parent.append(makeOne());
}

/** How much of something, as a bar beside a figure. */
class Share {
  constructor() {
    this.figure = make('span');
    this.bar = make('i');
    this.element = make('div', { className: 'share' }, this.figure, make('span', { className: 'track', 'aria-hidden': 'true' }, this.bar));
  }

  show(ratio) {
    say(this.figure, percent(ratio));
    this.bar.style.width = `${Math.min(100, 100 * ratio)}%`;
  }
}
