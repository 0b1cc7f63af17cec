// Lets elements become what was fetched, one by one: what is the same stays, and with it focus, selection and typed text.
//
// Children are known by id, data-key or data-event; rows that have none of these by the first address in them.
"use strict";

const keyOf = (node) =>
  node.nodeType !== Node.ELEMENT_NODE
    ? ""
    : node.id || node.dataset.key || node.dataset.event || (node.matches("tr, li, article") ? addressIn(node) : "");

function addressIn(row) {
  const found = row.querySelector("a[href], form[action]");
  return found ? found.getAttribute("href") || found.getAttribute("action") : "";
}

const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function become(old, wanted) {
  const keys = new Set([...wanted.childNodes].map(keyOf));
  const isOver = (node) => keyOf(node) !== "" && !keys.has(keyOf(node));
  [...old.childNodes].filter(isOver).forEach((node) => node.remove());
  let at = old.firstChild;
  for (const child of [...wanted.childNodes]) {
    let found = at;
    while (found && keyOf(child) && !alike(found, child)) found = found.nextSibling;
    if (!found || !alike(found, child)) {
      old.insertBefore(child, at);
      continue;
    }
    if (found !== at) old.insertBefore(found, at);
    else at = at.nextSibling;
    if (!found.isEqualNode(child)) change(found, child);
  }
  while (at) {
    const after = at.nextSibling;
    at.remove();
    at = after;
  }
}

function change(old, wanted) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.data = wanted.data;
    return;
  }
  const isOurs = (name) => name === "open" && old.matches("details"); // whoever reads it has opened or closed it
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && !isOurs(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (old.getAttribute(name) !== value && !isOurs(name)) old.setAttribute(name, value);
  }
  become(old, wanted);
}

function becomeQuietly(element, wanted) {
  const focused = document.activeElement;
  become(element, wanted);
  if (element.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
