// What an element is to assistive technology: role, name, value, states, and whether a click reaches it.

// ---- roles ----
function explicitRole(el) {
  for (const token of el.getAttribute('role').toLowerCase().trim().split(/\s+/)) {
    const role = ROLE_ALIAS[token] || token;
    if (role in ROLE_CODE && role !== 'text' && role !== 'iframe') return role;
  }
  return null;
}
const hasLabel = (el) => !!(el.getAttribute('aria-label') || el.getAttribute('aria-labelledby') || el.getAttribute('title'));
function sectioned(el) {
  const roles = ['article', 'complementary', 'main', 'navigation', 'region'].map((role) => `[role=${role}]`);
  return !!el.parentElement?.closest(['article', 'aside', 'main', 'nav', 'section', ...roles].join(','));
}
function cellRole(el, tag) {
  const table = el.closest('table'), role = table?.getAttribute('role');
  if (tag === 'td') return role === 'grid' || role === 'treegrid' ? 'gridcell' : 'cell';
  const scope = el.getAttribute('scope');
  if (scope === 'row' || scope === 'rowgroup') return 'rowheader';
  if (scope) return 'columnheader';
  const row = el.parentElement, group = row?.parentElement;
  if (group && tagOf(group) === 'thead') return 'columnheader';
  return row && row.querySelector(':scope > td') ? 'rowheader' : 'columnheader';
}
function implicitRole(el, tag) {
  switch (tag) {
    case 'input': {
      const type = el.type;
      if (type !== 'hidden' && el.hasAttribute('list') && ['text', 'search', 'email', 'tel', 'url'].includes(type)) return 'combobox';
      return INPUT_ROLE[type] || 'textbox';
    }
    case 'select': return el.multiple || el.size > 1 ? 'listbox' : 'combobox';
    case 'a': case 'area': return el.hasAttribute('href') ? 'link' : 'generic';
    case 'img': return el.getAttribute('alt') === '' && !hasLabel(el) ? 'none' : 'image';
    case 'td': case 'th': return cellRole(el, tag);
    case 'li': return /^(|list|none|presentation)$/.test(el.parentElement?.getAttribute('role') ?? '') ? 'listitem' : 'generic';
    case 'section': return hasLabel(el) ? 'region' : 'generic';
    case 'aside': return !sectioned(el) || hasLabel(el) ? 'complementary' : 'generic';
    case 'header': return sectioned(el) ? 'sectionheader' : 'banner';
    case 'footer': return sectioned(el) ? 'sectionfooter' : 'contentinfo';
    case 'summary': return el.parentElement && tagOf(el.parentElement) === 'details' ? 'summary' : 'generic';
    default: return TAG_ROLE[tag] || 'generic';
  }
}
function roleOf(el, tag, style, given = el.hasAttribute('role')) {
  const named = given ? explicitRole(el) : null;
  if (named && !(named === 'none' && (isFocusable(el, tag, el.hasAttribute('tabindex')) || el.hasAttribute('aria-label')))) return named;
  const role = implicitRole(el, tag);
  if (role !== 'generic') return role;
  if (tag === 'a' && (style.cursor === 'pointer' || heard.has(el) || el.hasAttribute('onclick'))) return 'link';
  return style.content.startsWith('url(') ? 'image' : role;
}

// ---- names that do not come from the rows below (accname 1.2, simplified) ----
function contentText(el, skip) { // of elements outside the rows in hand: labels, and what aria-labelledby points to
  if (el.nodeType === 3) return el.data;
  if (el.nodeType !== 1 || el === skip) return '';
  const tag = tagOf(el);
  if (SKIPPED.has(tag)) return '';
  if (el !== skip && el.hasAttribute('aria-label')) return ' ' + el.getAttribute('aria-label') + ' ';
  if (tag === 'img') return ' ' + (el.getAttribute('alt') || el.getAttribute('title') || '') + ' ';
  if (tag === 'br') return ' ';
  if (tag === 'input') return INPUT_ROLE[el.type] === 'button' || TEXT_LIKE.has(el.type) || el.type === 'range' ? ` ${el.value} ` : '';
  if (tag === 'textarea') return ` ${el.value} `;
  if (tag === 'select') return ` ${[...el.selectedOptions].map((option) => option.label).join(' ')} `;
  const display = getComputedStyle(el).display;
  if (display === 'none') return '';
  let text = '';
  for (const child of (shadowOf(el) || el).childNodes) text += contentText(child, skip);
  return display === 'inline' || display === 'contents' ? text : ` ${text} `;
}
function hiddenText(el) {
  return el.getAttribute('aria-label') || (tagOf(el) === 'input' ? el.value : clean(contentText(el, null)) || clean(el.textContent));
}
function labelled(el) {
  const root = el.getRootNode();
  const parts = el.getAttribute('aria-labelledby').trim().split(/\s+/).map((id) => root.getElementById && root.getElementById(id));
  return clean(parts.filter(Boolean).map(hiddenText).join(' '));
}
function childText(el, tag) {
  for (let child = el.firstElementChild; child; child = child.nextElementSibling)
    if (tagOf(child) === tag) return clean(contentText(child, null)) || clean(child.textContent);
  return '';
}
function inputName(el) {
  const type = el.type;
  if (type === 'submit') return el.hasAttribute('value') ? clean(el.value) : 'Submit';
  if (type === 'reset') return el.hasAttribute('value') ? clean(el.value) : 'Reset';
  if (type === 'button') return clean(el.value);
  if (type === 'image') return clean(el.alt || el.getAttribute('value') || '') || clean(el.title) || 'Submit';
  return '';
}
function nativeName(el, tag) {
  if (el.labels && el.labels.length) {
    const text = clean([...el.labels].map((label) => contentText(label, el)).join(' '));
    if (text) return text;
  }
  switch (tag) {
    case 'input': return inputName(el);
    case 'img': case 'area': return clean(el.alt || '');
    case 'fieldset': return childText(el, 'legend');
    case 'table': return childText(el, 'caption');
    case 'figure': return childText(el, 'figcaption');
    case 'option': case 'optgroup': return clean(el.label || el.textContent);
    case 'html': return titleOf(el.ownerDocument);
    default: return el.namespaceURI === 'http://www.w3.org/2000/svg' ? childText(el, 'title') : '';
  }
}
// The name from attributes and labels, or null where it is to come from the content.
function attributeName(el, tag, seen) {
  if (seen.labelledby) { const text = labelled(el); if (text) return text; }
  if (seen.label) { const text = clean(el.getAttribute('aria-label')); if (text) return text; }
  return nativeName(el, tag) || null;
}
function fallbackName(el, tag, seen) {
  const title = seen.title ? clean(el.getAttribute('title')) : '';
  if (title) return title;
  if (tag === 'input' && el.type === 'file') return 'Choose File';
  if (tag === 'input' || tag === 'textarea') return clean(el.placeholder || el.getAttribute('aria-placeholder') || '');
  return '';
}

// ---- values and states ----
function valueOf(el, tag, role, seen) {
  if (!VALUED.has(tag) && !seen.aria && !seen.editable && !(seen.role && (role === 'textbox' || role === 'searchbox'))) return null;
  if (tag === 'input') {
    if (el.type === 'password') return '•'.repeat(el.value.length);
    if (el.type === 'file') return [...el.files].map((file) => file.name).join(', ');
    return TEXT_LIKE.has(el.type) || SETTABLE.has(el.type) ? el.value : null;
  }
  if (tag === 'textarea') return el.value;
  if (tag === 'select') return [...el.selectedOptions].map((option) => clean(option.label)).join(', ');
  if (tag === 'progress' || tag === 'meter') return el.hasAttribute('value') ? String(el.value) : null;
  if (role === 'textbox' || role === 'searchbox' || el.isContentEditable)
    return (el.innerText ?? el.textContent).replace(/\n$/, '');
  return el.getAttribute('aria-valuetext') || el.getAttribute('aria-valuenow');
}
function ariaStates(el) {
  let bits = 0;
  const is = (name, value = 'true') => el.getAttribute('aria-' + name) === value;
  const checked = el.getAttribute('aria-checked'), pressed = el.getAttribute('aria-pressed'), expanded = el.getAttribute('aria-expanded');
  if (checked !== null) bits |= BIT.checkable | (checked === 'true' ? BIT.checked : checked === 'mixed' ? BIT.mixed : 0);
  if (pressed !== null) bits |= BIT.checkable | (pressed === 'true' ? BIT.pressed : pressed === 'mixed' ? BIT.mixed : 0);
  if (expanded !== null) bits |= expanded === 'true' ? BIT.expanded : BIT.collapsed;
  if (is('selected')) bits |= BIT.selected;
  if (is('disabled')) bits |= BIT.disabled;
  if (is('required')) bits |= BIT.required;
  if (is('readonly')) bits |= BIT.readonly;
  if (is('multiline')) bits |= BIT.multiline;
  if (is('modal')) bits |= BIT.modal;
  const invalid = el.getAttribute('aria-invalid');
  return invalid && invalid !== 'false' ? bits | BIT.invalid : bits;
}
function nativeStates(el, tag) {
  let bits = 0;
  switch (tag) {
    case 'input':
      if (el.type === 'checkbox' || el.type === 'radio')
        bits |= BIT.checkable | (el.indeterminate ? BIT.mixed : el.checked ? BIT.checked : 0);
      else if ((TEXT_LIKE.has(el.type) || SETTABLE.has(el.type)) && !el.readOnly && !el.matches(':disabled')) bits |= BIT.editable;
    // falls through
    case 'textarea':
      if (el.readOnly) bits |= BIT.readonly;
      if (tag === 'textarea') bits |= BIT.multiline | (el.readOnly || el.matches(':disabled') ? 0 : BIT.editable);
    // falls through
    case 'select': case 'button': case 'option': case 'optgroup': case 'fieldset':
      if (el.matches(':disabled')) bits |= BIT.disabled;
      if (el.required) bits |= BIT.required;
      if (el.selected) bits |= BIT.selected;
      if (tag === 'select') bits |= el.matches(':open') ? BIT.expanded : el.size > 1 || el.multiple ? 0 : BIT.collapsed;
      if (tag !== 'fieldset' && el.willValidate && el.matches(':user-invalid')) bits |= BIT.invalid;
      return bits;
    case 'details': return el.open ? BIT.expanded : BIT.collapsed;
    case 'dialog': return el.matches(':modal') ? BIT.modal : 0;
    default: return 0;
  }
}
function isFocusable(el, tag, tabindex) {
  if (tabindex) return el.tabIndex >= -1 && !Number.isNaN(parseInt(el.getAttribute('tabindex'), 10));
  switch (tag) {
    case 'a': case 'area': return el.hasAttribute('href');
    case 'button': case 'input': case 'select': case 'textarea': return true;
    case 'summary': return el.tabIndex >= 0;
    case 'iframe': return true;
    default: return false;
  }
}
function isClickable(el, tag, role, pointer, onclick) {
  if (onclick || pointer || heard.has(el)) return true;
  if (WIDGETS.has(role)) return true;
  return (tag === 'summary' && role === 'summary') || (tag === 'label' && !!el.control);
}

// ---- hit test ----
function hitAt(doc, x, y) {
  let hit = doc.elementFromPoint(x, y);
  for (;;) {
    const root = hit && shadowOf(hit), inner = root && root.elementFromPoint(x, y);
    if (!inner || inner === hit || inner.getRootNode() !== root) return hit;
    hit = inner;
  }
}
// What a click at (x, y) of `doc`'s viewport reaches instead of `el`; null where it reaches `el`, undefined outside of the viewport.
function coverAt(el, doc, x, y) {
  const hit = hitAt(doc, x, y);
  if (!hit) return undefined;
  if (!contains(el, hit)) {
    const label = hit.closest('label');
    if (!(label && label.control === el)) return hit;
  }
  const frame = doc === document ? null : doc.defaultView?.frameElement;
  if (!frame) return null;
  const [dx, dy] = contentOffset(frame);
  return coverAt(frame, frame.ownerDocument, x + dx, y + dy);
}
