// Makes elements without ever parsing text as HTML: what a model says is shown, not run.

/** An element with properties, and children that are nodes or text. `data` and `vars` set data-* and CSS variables. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, properties, children);
}

/** The same for SVG, where everything is an attribute. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'data') {
      Object.assign(element.dataset, value);
    } else if (name === 'vars') {
      for (const [key, v] of Object.entries(value)) {
        element.style.setProperty(`--${key}`, v);
      }
    } else if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (value === null) {
      continue;
    } else if (name in element) {
      element[name] = value;
    } else {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Lets the arrow keys move among elements of which only one is a tab stop. */
export function roving(container, items, columns = 1) {
  const steps = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: columns,
    ArrowUp: -columns,
  };
  items.forEach((item, index) => {
    item.tabIndex = index === items.length - 1 ? 0 : -1;
  });
  container.onkeydown = (event) => {
    const from = items.indexOf(document.activeElement);
    if (from < 0) {
      return;
    }
    let to = null;
    if (event.key in steps) {
      to = from + steps[event.key];
    } else if (event.key === 'Home') {
      to = 0;
    } else if (event.key === 'End') {
      to = items.length - 1;
    }
    if (to !== null && to >= 0 && to < items.length) {
      event.preventDefault();
      items[from].tabIndex = -1;
      items[to].tabIndex = 0;
      items[to].focus();
    }
  };
}
