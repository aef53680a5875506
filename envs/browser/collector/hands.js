// Finding elements again, for actions; and the only name that this script defines, `quintain`. See collect.py for the format.

function* everyNode(node) {
  yield node;
  if (node.nodeType === 1) {
    const root = shadowOf(node), doc = node.localName === 'iframe' || node.localName === 'frame' ? frameDocument(node) : null;
    if (root) yield* everyNode(root);
    if (doc?.documentElement) yield* everyNode(doc.documentElement);
  }
  for (let child = node.firstChild; child; child = child.nextSibling) yield* everyNode(child);
}
function nodeOf(ref) {
  lastIndex ||= new Map(lastRefs.map((each, row) => [each, row]));
  if (lastIndex.has(ref)) return lastNodes[lastIndex.get(ref)];
  for (const node of everyNode(document.documentElement)) if (refs.get(node) === ref) return node;
  return null;
}
function locate(ref) {
  const node = nodeOf(ref);
  if (!node) return { status: blocks.some(([first, last]) => ref >= first && ref <= last) ? 'stale' : 'not_found', ref };
  if (!node.isConnected || !node.ownerDocument.defaultView) return { status: 'stale', ref };
  return { status: 'ok', ref, el: node.nodeType === 1 ? node : composedParent(node) };
}
function describe(el) {
  const tag = tagOf(el), role = roleOf(el, tag, getComputedStyle(el));
  let shown = el, row;
  lastIndex ||= new Map(lastRefs.map((each, index) => [each, index]));
  while (shown && (row = lastIndex.get(refs.get(shown))) === undefined) shown = composedParent(shown);
  let name = (row !== undefined && shown === el && lastNames[row]) || clean(el.innerText ?? el.textContent ?? '');
  if (name.length > 40) name = name.slice(0, 39) + '…';
  const kind = role === 'generic' || role === 'none' ? tag + (el.getAttribute('id') ? '#' + el.getAttribute('id') : '') : role;
  return `${kind}${name ? ` '${name}'` : ''}${row === undefined ? '' : ` [${lastRefs[row]}]`}`;
}
const isDisabled = (el) => el.matches(':disabled') || !!el.closest('[aria-disabled=true]');
const isReadonly = (el) => el.readOnly === true || el.getAttribute('aria-readonly') === 'true';
function typesText(el, tag) {
  if (tag === 'input') return TEXT_LIKE.has(el.type) && !SETTABLE.has(el.type);
  return tag === 'textarea' || el.isContentEditable === true;
}
const CHECKABLE = words('checkbox radio switch menuitemcheckbox menuitemradio');
function facts(el) {
  const tag = tagOf(el);
  const checks = tag === 'input' && (el.type === 'checkbox' || el.type === 'radio');
  return { tag, type: tag === 'input' || tag === 'button' ? el.type : '', role: roleOf(el, tag, getComputedStyle(el)), name: describe(el),
    disabled: isDisabled(el), readonly: isReadonly(el), editable: typesText(el, tag), settable: tag === 'input' && SETTABLE.has(el.type),
    checked: checks ? el.checked : CHECKABLE.has(roleOf(el, tag, getComputedStyle(el))) ? el.getAttribute('aria-checked') === 'true' : null, multiple: el.multiple === true, focused: el === activeElement(),
    value: tag === 'input' || tag === 'textarea' || tag === 'select' ? el.value : null, frame: tag === 'iframe' || tag === 'frame',
    options: tag === 'select' ? optionsOf(el) : null };
}
function optionsOf(select) {
  const facts = ({ value, label, selected }) => ({ value, label: clean(label), selected });
  return [...select.options].map((option) => ({ ...facts(option), disabled: option.matches(':disabled') }));
}
function viewOffset(doc, { dx = 0, dy = 0 } = {}) { // of a document's viewport in the top-level viewport
  let x = dx, y = dy;
  for (let frame; doc !== document && (frame = doc.defaultView?.frameElement); doc = frame.ownerDocument) {
    const [left, top] = contentOffset(frame);
    x += left; y += top;
  }
  return [x, y];
}
function candidates(el) { // points of its viewport at which to try a click, best first
  const view = el.ownerDocument.defaultView, rect = areaOf(el);
  const [left, top, right, bottom] = intersect([rect.left, rect.top, rect.right, rect.bottom], [0, 0, view.innerWidth, view.innerHeight]);
  if (right <= left || bottom <= top) return [];
  const points = [[(left + right) / 2, (top + bottom) / 2]];
  for (const each of [...el.getClientRects()].slice(0, 4)) points.push([(each.left + each.right) / 2, (each.top + each.bottom) / 2]);
  const parts = [0.25, 0.5, 0.75];
  for (const fy of parts) for (const fx of parts) points.push([left + (right - left) * fx, top + (bottom - top) * fy]);
  return points;
}
function reach(el, points) { // the first point at which a click reaches the element, else what covers the first
  let cover;
  for (const [x, y] of points) {
    const found = coverAt(el, el.ownerDocument, x, y);
    if (found === null) return { point: [x, y] };
    cover ??= found;
  }
  return { cover };
}
function reachScrolling(el, scroll) {
  const now = reach(el, candidates(el).slice(0, 1));
  if (now.point || !scroll) return now.point ? now : reach(el, candidates(el));
  el.scrollIntoView({ behavior: 'instant', block: 'center', inline: 'center' });
  return reach(el, candidates(el));
}
function shownPoint(el, scroll) {
  if (scroll && !candidates(el).length) el.scrollIntoView({ behavior: 'instant', block: 'center', inline: 'center' });
  return candidates(el)[0];
}
function boxOf(el, options) {
  const rect = areaOf(el), [dx, dy] = viewOffset(el.ownerDocument, options);
  return [rect.left + dx, rect.top + dy, rect.width, rect.height];
}
const isRendered = (el) => el.checkVisibility({ visibilityProperty: true }) && el.getClientRects().length > 0;
function changed(el) {
  for (const type of ['input', 'change']) el.dispatchEvent(new Event(type, { bubbles: true, composed: type === 'input' }));
}
function acting(ref, act) { // `act` on the element, or the reason why it cannot be
  const found = locate(ref);
  if (found.status !== 'ok') return found;
  const { el } = found, tag = tagOf(el);
  const answer = (status, more) => ({ status, ref, name: describe(el), ...more });
  return act(el, tag, answer);
}
function chosen(options, wanted) {
  const by = (test) => options.find((option) => test(option));
  const label = clean(wanted), lower = label.toLowerCase();
  return by((o) => o.value === wanted) || by((o) => clean(o.label) === label) || by((o) => clean(o.label).toLowerCase() === lower);
}
function scroller(el, dx, dy) { // the nearest thing around `el` that can move that way
  for (let node = el; node; node = composedParent(node) || node.ownerDocument.defaultView?.frameElement) {
    const root = node === node.ownerDocument.documentElement, box = root ? node.ownerDocument.scrollingElement || node : node;
    const style = getComputedStyle(node);
    const open = (overflow) => (root ? overflow !== 'hidden' : overflow === 'auto' || overflow === 'scroll');
    const y = open(style.overflowY) && (dy > 0 ? box.scrollTop < box.scrollHeight - box.clientHeight - 1 : dy < 0 && box.scrollTop > 0);
    const x = open(style.overflowX) && (dx > 0 ? box.scrollLeft < box.scrollWidth - box.clientWidth - 1 : dx < 0 && box.scrollLeft > 0);
    if (y || x) return box;
  }
  return null;
}

let grown = true; // whether elements came since `grown` was asked last
new MutationObserver(() => { grown = true; }).observe(document, { childList: true, subtree: true });
globalThis.quintain = {
  collect(options) {
    suspected = suspected.filter((host) => host.isConnected && !shadowOf(host));
    const first = options?.next ?? 1;
    const pass = new Pass(options);
    if (pass.next > first) blocks.push([first, pass.next - 1]);
    lastNodes = pass.nodes; lastRefs = pass.ref; lastNames = pass.name; lastIndex = null;
    return JSON.stringify(pass.result());
  },
  suspects() { const found = suspected; suspected = []; return found; },
  adopt(...roots) { for (const root of roots) closedRoots.set(root.host, root); },
  grown() { const was = grown; grown = false; return was; },
  listens(...nodes) { for (const node of nodes) if (node.nodeType === 1) heard.add(node); },
  node(ref) { return locate(ref).el ?? null; },
  resolve(ref, { scroll = true, hit = true, ...offset } = {}) {
    return acting(ref, (el, tag, answer) => {
      const known = facts(el), select = tag === 'option' ? el.closest('select') : null;
      if (select && !select.multiple && select.size <= 1) return answer('option', { ...known, select: refs.get(select) ?? null });
      if (!isRendered(el)) return answer('hidden', known);
      const found = hit ? reachScrolling(el, scroll) : { point: shownPoint(el, scroll) };
      const [dx, dy] = viewOffset(el.ownerDocument, offset), moved = (point) => (point ? [point[0] + dx, point[1] + dy] : null);
      const more = { ...known, box: boxOf(el, offset), point: moved(found.point), content: known.frame ? moved(contentOffset(el)) : null };
      if (!found.point) return found.cover ? answer('covered', { ...more, by: describe(found.cover) }) : answer('out_of_view', more);
      return answer(known.disabled ? 'disabled' : 'ok', more);
    });
  },
  at(x, y) {
    const el = hitAt(document, x, y);
    return el ? { status: 'ok', ref: refs.get(el) ?? null, ...facts(el) } : { status: 'not_found' };
  },
  focus(ref) {
    return acting(ref, (el, tag, answer) => {
      el.focus({ preventScroll: false });
      return answer(el === activeElement() || contains(el, activeElement()) ? 'ok' : 'not_focusable');
    });
  },
  selectAllText(ref) {
    return acting(ref, (el, tag, answer) => {
      const settable = tag === 'input' && SETTABLE.has(el.type);
      if (!typesText(el, tag)) return answer(settable ? 'settable' : 'not_editable', { type: el.type ?? '' });
      if (isDisabled(el)) return answer('disabled');
      if (isReadonly(el)) return answer('readonly');
      el.focus();
      if (tag === 'input' || tag === 'textarea') el.select();
      else el.ownerDocument.getSelection().selectAllChildren(el);
      return answer('ok', { length: (el.value ?? el.textContent).length });
    });
  },
  setValue(ref, value) {
    return acting(ref, (el, tag, answer) => {
      if (tag !== 'input' || !SETTABLE.has(el.type)) return answer('not_editable');
      if (isDisabled(el)) return answer('disabled');
      if (isReadonly(el)) return answer('readonly');
      const before = el.value;
      el.focus();
      el.value = value;
      if (value !== '' && el.value === '') { // dates in a form that the field does not take are emptied
        el.value = before;
        return answer('invalid_value', { type: el.type, value: before });
      }
      changed(el);
      return answer('ok', { value: el.value });
    });
  },
  selectOption(ref, values) {
    return acting(ref, (el, tag, answer) => {
      const select = tag === 'option' || tag === 'optgroup' ? el.closest('select') : el;
      if (tagOf(select) !== 'select') return answer('not_a_select');
      if (isDisabled(select)) return answer('disabled');
      const options = [...select.options], picked = values.map((value) => chosen(options, String(value)));
      const missing = values.filter((_, i) => !picked[i]);
      if (missing.length) return answer('no_such_option', { missing, options: optionsOf(select) });
      if (picked.some((option) => option.matches(':disabled'))) return answer('disabled', { options: optionsOf(select) });
      if (picked.length > 1 && !select.multiple) return answer('not_multiple');
      select.focus();
      for (const option of options) if (select.multiple) option.selected = picked.includes(option);
      if (!select.multiple) select.selectedIndex = picked.length ? picked[0].index : -1;
      changed(select);
      return answer('ok', { selected: [...select.selectedOptions].map((option) => clean(option.label)) });
    });
  },
  scroll(ref, dx, dy) {
    const move = (el, answer) => {
      const box = scroller(el, dx, dy);
      if (!box) return answer('at_end', { moved: [0, 0] });
      const before = [box.scrollLeft, box.scrollTop];
      box.scrollBy({ left: dx, top: dy, behavior: 'instant' });
      return answer('ok', { moved: [box.scrollLeft - before[0], box.scrollTop - before[1]] });
    };
    if (ref === null || ref === undefined) return move(document.documentElement, (status, more) => ({ status, ref: null, ...more }));
    return acting(ref, (el, tag, answer) => move(el, answer));
  },
};
