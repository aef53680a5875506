// One pass over a frame, which gives all rows as columns.
//
// An isolated world cannot see listeners that the page added: `clickable` is tag, role, onclick attribute, or a pointer cursor that
// begins at the element, plus whatever the caller registered with `listens` (from CDP DOMDebugger.getEventListeners).

class Pass {
  constructor({ next = 1, dx = 0, dy = 0, clip = null, hits = true } = {}) {
    this.next = next; this.hits = hits; this.frames = [];
    this.ref = []; this.parent = []; this.role = []; this.name = []; this.value = {}; this.tag = []; this.tagCodes = new Map();
    this.attributes = {}; this.box = []; this.states = []; this.nodes = []; this.titles = [];
    this.run = false; // whether the last thing emitted was text that the next text may touch
    this.range = document.createRange();
    this.focus = activeElement();
    const view = [dx, dy, dx + innerWidth, dy + innerHeight];
    const clipped = clip ? intersect(view, clip) : view;
    if (document.documentElement) this.element(document.documentElement, -1, startContext(dx, dy, clipped, false));
  }
  row(node, parent, role, tag) {
    let ref = refs.get(node);
    if (ref === undefined) { ref = this.next++; refs.set(node, ref); }
    let code = this.tagCodes.get(tag);
    if (code === undefined) { code = this.tagCodes.size; this.tagCodes.set(tag, code); }
    this.nodes.push(node); this.ref.push(ref); this.parent.push(parent); this.role.push(ROLE_CODE[role]); this.tag.push(code);
    this.name.push(''); this.states.push(0);
    return this.ref.length - 1;
  }
  place(rect, context, clip, rendered, thin) { // pushes the box and tells visible, in_view, offscreen
    const x = Math.round((rect.left + context.dx) * 4) / 4, y = Math.round((rect.top + context.dy) * 4) / 4;
    const width = Math.round(rect.width * 4) / 4, height = Math.round(rect.height * 4) / 4;
    this.box.push(x, y, width, height);
    const empty = thin ? width <= 0 && height <= 0 : width <= 0 || height <= 0;
    if (!rendered || context.hidden || empty || clip[2] <= clip[0] || clip[3] <= clip[1]) return 0;
    const inside = x < clip[2] && y < clip[3] && x + width > clip[0] && y + height > clip[1];
    return BIT.visible | (inside ? BIT.in_view : BIT.offscreen);
  }
  text(node, parent, context) {
    const data = node.data, name = clean(data);
    if (!name || context.invisible) { if (data) this.run = false; return; }
    if (this.range.startContainer.ownerDocument !== node.ownerDocument) this.range = node.ownerDocument.createRange();
    this.range.selectNodeContents(node);
    const rect = this.range.getBoundingClientRect();
    if (rect.width === 0 && rect.height === 0) return;
    const row = this.row(node, parent, 'text', '');
    const kept = /[\n\t]|  /.test(data.trim()) && context.style.whiteSpaceCollapse.startsWith('preserve');
    this.name[row] = kept ? data.replace(/\n$/, '') : name;
    const glued = this.run && !/^[\s\u200b]/.test(data) ? BIT.glued : 0;
    this.states[row] = this.place(rect, context, context.flow, true) | glued;
    this.run = !/[\s\u200b]$/.test(data);
  }
  element(el, parent, outer) {
    const tag = tagOf(el);
    if (SKIPPED.has(tag)) return;
    if (tag === 'br') { this.run = false; return; }
    const style = getComputedStyle(el), display = style.display;
    if (display === 'none' || display === '') { if (display === '') this.suspect(el.parentElement); return; }
    if (tag === 'input' && el.type === 'hidden') return;
    const inline = display === 'inline' || display === 'contents';
    if (!inline) this.run = false;
    const seen = attributesSeen(el);
    const role = roleOf(el, tag, style, seen.role);
    const row = this.row(el, parent, role, tag);
    if (seen.kept) this.attributes[row] = seen.kept;
    const context = this.context(tag, style, seen, outer);
    const interaction = this.interaction(el, tag, role, seen, context, outer, style);
    const rect = interaction & (BIT.clickable | BIT.editable) ? areaOf(el) : el.getBoundingClientRect();
    let bits = interaction | this.place(rect, context, context.clip, !context.invisible, role === 'graphics-symbol');
    if (display === 'contents' && !context.invisible && !context.hidden) bits |= BIT.visible;
    this.named(el, tag, role, row, seen);
    if (this.hits && bits & BIT.in_view && bits & (BIT.clickable | BIT.editable | BIT.focusable) && this.onTop(el, rect, context))
      bits |= BIT.on_top;
    this.states[row] = bits;
    this.descend(el, tag, row, this.below(el, style, rect, context));
    if (!inline || tag === 'img' || tag === 'svg') this.run = false;
    this.finish(el, tag, role, row, seen);
  }
  context(tag, style, seen, outer) {
    const position = style.position;
    const lifted = position === 'fixed' || tag === 'dialog' || seen.popover; // no box of an ancestor cuts these
    const clip = lifted ? outer.view : position === 'absolute' ? outer.anchored : outer.flow;
    return { ...outer, clip, position, invisible: style.visibility !== 'visible', hidden: outer.hidden || style.opacity === '0',
      pointer: style.cursor === 'pointer', style,
      closed: style.contentVisibility === 'hidden' };
  }
  below(el, style, rect, context) { // what the children inherit: clip rectangles
    context.flow = context.clip;
    if (style.overflowX !== 'visible' || style.overflowY !== 'visible') {
      if (el !== el.ownerDocument.documentElement && el !== el.ownerDocument.body) {
        const left = rect.left + context.dx, top = rect.top + context.dy;
        context.flow = intersect(context.clip, [left, top, left + rect.width, top + rect.height]);
      }
    }
    if (context.position !== 'static') context.anchored = context.flow;
    return context;
  }
  interaction(el, tag, role, seen, context, outer, style) {
    let bits = nativeStates(el, tag) | (seen.aria ? ariaStates(el) : 0);
    if (seen.editable && el.isContentEditable && !outer.editing) { bits |= BIT.editable | BIT.multiline; context.editing = true; }
    if (bits & BIT.disabled) context.disabled = true; // aria-disabled and fieldset reach down
    else if (outer.disabled && (WIDGETS.has(role) || seen.tabindex)) bits |= BIT.disabled;
    const disabled = bits & BIT.disabled;
    if (!disabled && (isFocusable(el, tag, seen.tabindex) || bits & BIT.editable)) bits |= BIT.focusable;
    const icon = role === 'image' && tag !== 'img' && el.childElementCount === 0;
    if (isClickable(el, tag, role, context.pointer && (!outer.pointer || icon), seen.onclick)) bits |= BIT.clickable;
    if (el === this.focus) bits |= BIT.focused;
    if (isScrollable(el, tag, style)) bits |= BIT.scrollable;
    return bits;
  }
  named(el, tag, role, row, seen) {
    const given = attributeName(el, tag, seen);
    this.titles[row] = given !== null;
    if (given !== null) this.name[row] = given;
    const value = valueOf(el, tag, role, seen);
    if (value !== null) this.value[row] = value;
  }
  finish(el, tag, role, row, seen) { // names that come from the rows below
    if (this.titles[row]) return;
    const name = NAME_FROM_CONTENT.has(role) ? this.content(row + 1, this.ref.length) : '';
    this.name[row] = name || fallbackName(el, tag, seen);
    if (!name && this.name[row]) this.titles[row] = true;
  }
  content(from, to) {
    let text = '', skipBelow = -1;
    const TEXT = ROLE_CODE.text;
    for (let row = from; row < to; row++) {
      if (skipBelow >= 0 && this.inside(row, skipBelow)) continue;
      skipBelow = -1;
      if (this.role[row] === TEXT) text += (this.states[row] & BIT.glued || !text ? '' : ' ') + this.name[row];
      else if (this.role[row] === ROLE_CODE.checkbox || this.role[row] === ROLE_CODE.radio) skipBelow = row;
      else if (this.titles[row] && this.name[row]) { text += ' ' + this.name[row]; skipBelow = row; }
      else if (row in this.value) { text += ' ' + this.value[row]; skipBelow = row; }
    }
    return clean(text);
  }
  inside(row, ancestor) {
    let up = this.parent[row];
    while (up > ancestor) up = this.parent[up];
    return up === ancestor;
  }
  onTop(el, rect, context) {
    const { dx, dy, clip } = context, doc = el.ownerDocument;
    const [left, top, right, bottom] = intersect(clip, [rect.left + dx, rect.top + dy, rect.right + dx, rect.bottom + dy]);
    const x = (left + right) / 2 - dx, y = (top + bottom) / 2 - dy;
    if (coverAt(el, doc, x, y) === null) return true;
    const rects = el.getClientRects();
    if (rects.length < 2) return false;
    return coverAt(el, doc, (rects[0].left + rects[0].right) / 2, (rects[0].top + rects[0].bottom) / 2) === null;
  }
  descend(el, tag, row, context) {
    if (context.closed) return;
    switch (tag) {
      case 'iframe': case 'frame': return this.frame(el, row, context);
      case 'select': return this.options(el, row, context);
      case 'input': case 'textarea': case 'video': case 'audio': case 'progress': case 'meter': case 'object': case 'embed': return;
    }
    const root = shadowOf(el);
    if (!root) this.maybeHost(el, tag);
    let list = null;
    if (tag === 'slot' && !root) { const given = el.assignedNodes(); if (given.length) list = given; }
    if (list) for (const child of list) this.child(child, row, context);
    else {
      const onlySummary = tag === 'details' && !el.open;
      for (let child = (root || el).firstChild; child; child = child.nextSibling)
        if (!onlySummary || child.localName === 'summary') this.child(child, row, context);
    }
  }
  child(node, row, context) {
    if (node.nodeType === 1) this.element(node, row, context);
    else if (node.nodeType === 3) this.text(node, row, context);
  }
  frame(el, row, context) {
    const [x, y] = contentOffset(el), dx = x + context.dx, dy = y + context.dy;
    const inner = intersect(context.flow, [dx, dy, dx + el.clientWidth, dy + el.clientHeight]);
    const doc = frameDocument(el);
    const hidden = context.hidden || context.invisible;
    if (!doc) this.frames.push({ row, ref: this.ref[row], dx, dy, clip: inner, hidden });
    else if (doc.documentElement) this.element(doc.documentElement, row, startContext(dx, dy, inner, hidden));
  }
  options(el, row, context) { // a list shows its options; those of a closed drop-down have no box, yet can be selected
    if (el.multiple || el.size > 1) {
      for (let child = el.firstElementChild; child; child = child.nextElementSibling) this.element(child, row, context);
      return;
    }
    const shown = context.invisible || context.hidden ? 0 : BIT.visible | BIT.offscreen;
    let group = row;
    for (const option of el.querySelectorAll('option, optgroup')) {
      const tag = tagOf(option), grouped = tagOf(option.parentElement) === 'optgroup';
      const own = this.row(option, grouped ? group : row, TAG_ROLE[tag], tag), seen = attributesSeen(option);
      if (tag === 'optgroup') group = own;
      if (seen.kept) this.attributes[own] = seen.kept;
      this.named(option, tag, TAG_ROLE[tag], own, seen);
      this.box.push(0, 0, 0, 0);
      this.states[own] = nativeStates(option, tag) | shown | (tag === 'option' ? BIT.clickable : 0);
    }
  }
  suspect(host) { if (host && !examined.has(host) && !shadowOf(host)) { examined.add(host); suspected.push(host); } }
  // An isolated world cannot see closed shadow roots. Custom elements, and empty elements whose content box has a size that nothing
  // in their style gives them, may have one: the caller asks CDP DOM.describeNode about `suspects()` and hands the roots to `adopt`.
  maybeHost(el, tag) {
    if (examined.has(el)) return;
    if (tag.includes('-')) return this.suspect(el);
    if (el.firstChild || !HOSTS.has(tag) || el.clientHeight < 1 || String(el.computedStyleMap().get('height')) !== 'auto') return;
    const style = getComputedStyle(el);
    if (el.clientHeight > parseFloat(style.paddingTop) + parseFloat(style.paddingBottom) + 0.5) this.suspect(el);
  }
  result() {
    const root = document.scrollingElement || document.documentElement;
    return { roles: ROLES, state_names: STATES, tags: [...this.tagCodes.keys()], ref: this.ref, parent: this.parent, role: this.role,
      name: this.name, value: this.value, tag: this.tag, attributes: this.attributes, box: this.box, states: this.states,
      next: this.next, frames: this.frames, suspects: suspected.length,
      page: { url: location.href, title: titleOf(document), ready: document.readyState, width: innerWidth, height: innerHeight,
        scale: devicePixelRatio, scroll_x: scrollX, scroll_y: scrollY, scroll_width: root?.scrollWidth ?? 0,
        scroll_height: root?.scrollHeight ?? 0 } };
  }
}
function startContext(dx, dy, view, hidden) { // of a document: clip rectangles for children in flow, absolute, fixed; what is inherited
  return { dx, dy, flow: view, anchored: view, view, hidden, pointer: false, disabled: false, editing: false };
}
function intersect(a, b) {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
}
function activeElement() {
  let active = document.activeElement;
  if (!active || active.localName === 'body' || active.localName === 'html') return null;
  for (;;) {
    const root = shadowOf(active);
    const framed = active.localName === 'iframe' || active.localName === 'frame';
    const inner = root ? root.activeElement : framed ? frameDocument(active)?.activeElement : null;
    if (!inner || inner.localName === 'body' || inner.localName === 'html') return active;
    active = inner;
  }
}
function isScrollable(el, tag, style) {
  const box = tag === 'html' ? el.ownerDocument.scrollingElement : tag === 'body' ? null : el;
  const open = (overflow) => tag === 'html' || overflow === 'auto' || overflow === 'scroll';
  if (!box || !(open(style.overflowY) || open(style.overflowX))) return false;
  const down = open(style.overflowY) && box.scrollHeight > box.clientHeight + 1;
  return down || (open(style.overflowX) && box.scrollWidth > box.clientWidth + 1);
}
const NO_ATTRIBUTES = Object.freeze({ kept: null });
function attributesSeen(el) {
  if (!el.hasAttributes()) return NO_ATTRIBUTES;
  const seen = { kept: null };
  const svg = el.namespaceURI !== 'http://www.w3.org/1999/xhtml';
  for (const name of el.getAttributeNames()) {
    if (KEPT.has(name) && (svg || !SVG_ONLY.has(name))) {
      let value = el.getAttribute(name);
      if ((name === 'href' || name === 'src') && value.length > 500) value = value.slice(0, 500) + '…';
      if (value !== '') (seen.kept ||= {})[name] = value;
      if (name === 'title') seen.title = true;
      continue;
    }
    switch (name) {
      case 'role': seen.role = true; break;
      case 'onclick': case 'onmousedown': case 'onmouseup': seen.onclick = true; break;
      case 'tabindex': seen.tabindex = true; break;
      case 'popover': seen.popover = true; break;
      case 'contenteditable': seen.editable = true; break;
      case 'aria-label': seen.label = true; break;
      case 'aria-labelledby': seen.labelledby = true; break;
      case 'value':
        if (el.localName !== 'input' || el.type === 'checkbox' || el.type === 'radio') (seen.kept ||= {}).value = el.getAttribute(name);
        break;
      case 'style':
        if (el.style?.backgroundColor) (seen.kept ||= {})['background-color'] = el.style.backgroundColor;
        if (el.style?.color) (seen.kept ||= {}).color = el.style.color;
        break;
      default: if (name.startsWith('aria-')) seen.aria = true;
    }
  }
  return seen;
}
