// A small box beside what is pointed at or focused.

const box = document.getElementById('tip');

/** Shows what `content` gives while the element is hovered or focused. */
export function attachTip(element, content) {
  const show = () => {
    box.replaceChildren(...content());
    box.hidden = false;
    place(element);
  };
  element.addEventListener('mouseenter', show);
  element.addEventListener('focus', show);
  element.addEventListener('mouseleave', hideTip);
  element.addEventListener('blur', hideTip);
}

export function hideTip() {
  box.hidden = true;
}

function place(element) {
  const at = element.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const margin = 8;
  const left = Math.min(
    Math.max(margin, at.left + at.width / 2 - size.width / 2),
    window.innerWidth - size.width - margin,
  );
  const above = at.top - size.height - margin;
  box.style.left = `${left + window.scrollX}px`;
  box.style.top = `${(above > margin ? above : at.bottom + margin) + window.scrollY}px`;
}

window.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    hideTip();
  }
});
