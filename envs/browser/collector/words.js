// Shared by the files of this folder, which collect.py joins, in the order of PARTS, into one function: what each word means,
// and what the world remembers.
const STATES = `visible in_view on_top clickable editable focusable focused checked mixed pressed selected disabled required
  readonly expanded collapsed multiline invalid modal scrollable offscreen checkable glued`.split(/\s+/);
const BIT = Object.fromEntries(STATES.map((name, bit) => [name, 1 << bit]));
const words = (text) => new Set(text.split(/\s+/));

// HTML-AAM 1.0 / SVG-AAM: role by tag, where it needs no look at the attributes.
const TAG_ROLE = {};
for (const [role, tags] of Object.entries({
  article: 'article', audio: 'audio', blockquote: 'blockquote', button: 'button', canvas: 'canvas', caption: 'caption figcaption',
  code: 'code', definition: 'dd', deletion: 'del s', details: 'details', dialog: 'dialog', document: 'html', embed: 'embed object',
  emphasis: 'em', figure: 'figure', form: 'form', 'graphics-symbol': 'circle ellipse line path polygon polyline rect text',
  group: 'address fieldset hgroup optgroup', heading: 'h1 h2 h3 h4 h5 h6', iframe: 'iframe frame', image: 'image svg',
  insertion: 'ins', label: 'label', legend: 'legend', list: 'dl menu ol ul', main: 'main', map: 'map', mark: 'mark', math: 'math',
  meter: 'meter', navigation: 'nav', option: 'option', paragraph: 'p', progressbar: 'progress', row: 'tr',
  rowgroup: 'tbody tfoot thead', ruby: 'ruby', search: 'search', separator: 'hr', status: 'output', strong: 'b strong',
  subscript: 'sub', superscript: 'sup', table: 'table', term: 'dfn dt', textbox: 'textarea', time: 'time', video: 'video',
})) for (const tag of tags.split(' ')) TAG_ROLE[tag] = role;
const INPUT_ROLE = { button: 'button', submit: 'button', reset: 'button', image: 'button', file: 'button', checkbox: 'checkbox',
  radio: 'radio', range: 'slider', number: 'spinbutton', search: 'searchbox' };
const ROLES = [...words(`generic text document alert alertdialog application article banner blockquote button caption cell checkbox
  code columnheader combobox comment complementary contentinfo definition deletion dialog directory emphasis feed figure form grid
  gridcell group heading image insertion link list listbox listitem log main mark marquee math menu menubar menuitem
  menuitemcheckbox menuitemradio meter navigation none note option paragraph progressbar radio radiogroup region row rowgroup
  rowheader scrollbar search searchbox separator slider spinbutton status strong subscript suggestion superscript switch tab table
  tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem graphics-document graphics-object
  graphics-symbol iframe canvas video audio label legend details summary embed map ruby sectionheader sectionfooter`)];
const ROLE_CODE = Object.fromEntries(ROLES.map((name, code) => [name, code]));
const ROLE_ALIAS = { img: 'image', presentation: 'none' };
const NAME_FROM_CONTENT = words(`button cell checkbox columnheader gridcell heading link menuitem menuitemcheckbox menuitemradio
  option radio rowheader switch tab tooltip treeitem summary`);
const WIDGETS = words(`button checkbox combobox link listbox menuitem menuitemcheckbox menuitemradio option radio searchbox slider
  spinbutton switch tab textbox treeitem`);
const SKIPPED = words(`head script style noscript template meta link title base wbr source track param datalist defs symbol
  clippath mask lineargradient radialgradient filter pattern marker metadata desc rp`);
const KEPT = words(`id class type href placeholder title alt for name min max step fill stroke points d cx cy r rx ry x y x1 x2 y1
  y2 width height transform src`);
const SVG_ONLY = words('fill stroke points d cx cy r rx ry x y x1 x2 y1 y2 width height transform');
const TEXT_LIKE = words('text search email tel url password number date time datetime-local month week');
const VALUED = words('input textarea select progress meter');
const SETTABLE = words('date time datetime-local month week color range');
const HOSTS = words('article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span');

const refs = new WeakMap();      // node -> ref
const closedRoots = new WeakMap(); // host -> closed shadow root, as handed in by `adopt`
const heard = new WeakSet();     // elements with listeners, as handed in by `listens`
const examined = new WeakSet();  // possible hosts of closed roots that `suspects` gave out already
const blocks = [];               // [first, last] of the refs given out in this world
let lastNodes = [], lastRefs = [], lastNames = [], lastIndex = null, suspected = [];

const clean = (text) => text.replace(/[\s\u200b]+/g, ' ').trim();
const shadowOf = (el) => el.shadowRoot || closedRoots.get(el) || null;
const composedParent = (node) => node.assignedSlot || node.parentElement || (node.getRootNode && node.getRootNode().host) || null;
const tagOf = (el) => el.localName.toLowerCase();
const titleOf = (doc) => (typeof doc.title === 'string' ? clean(doc.title) : ''); // an element named `title` may stand in its place
function contains(outer, inner) {
  for (let node = inner; node; node = composedParent(node)) if (node === outer) return true;
  return false;
}
function frameDocument(el) {
  try { return el.contentDocument; } catch { return null; }
}
// The box of an element; of one without area, what its children take up (a link around a floated image).
function areaOf(el) {
  const rect = el.getBoundingClientRect();
  if ((rect.width > 0 && rect.height > 0) || !el.firstElementChild || el.localName === 'select') return rect;
  const range = el.ownerDocument.createRange();
  range.selectNodeContents(el);
  const inner = range.getBoundingClientRect();
  return inner.width > 0 && inner.height > 0 ? inner : rect;
}
function contentOffset(frame) { // of a frame element: where its document begins, in the coordinates of the frame's own viewport
  const rect = frame.getBoundingClientRect(), style = getComputedStyle(frame);
  const left = frame.clientLeft + parseFloat(style.paddingLeft || 0), top = frame.clientTop + parseFloat(style.paddingTop || 0);
  return [rect.left + left, rect.top + top];
}
