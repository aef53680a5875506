// The native list of a <select> and the native pickers of dates and colours are windows of their own, which no screenshot shows and
// for which the page's frames wait. They stay shut: options are elements, and the keys that move through a shut list work.

const PICKERS = words('date datetime-local month week time color');
const opensList = (el) => el instanceof HTMLSelectElement && !el.multiple && el.size <= 1;
const opensPicker = (el) => el instanceof HTMLInputElement && PICKERS.has(el.type);
addEventListener('mousedown', (event) => {
  const [el] = event.composedPath();
  if (event.button !== 0 || !(opensList(el) || opensList(el.parentElement))) return;
  event.preventDefault();
  (opensList(el) ? el : el.parentElement).focus();
}, { capture: true });
addEventListener('click', (event) => { if (opensPicker(event.composedPath()[0])) event.preventDefault(); }, { capture: true });
addEventListener('keydown', (event) => {
  const [el] = event.composedPath(), arrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
  const opening = [' ', 'F4'].includes(event.key) || (event.altKey && arrow);
  const entering = event.key === 'Enter' && (opensList(el) || el.type === 'color'); // elsewhere it submits the form
  if ((opening && (opensList(el) || opensPicker(el))) || entering) event.preventDefault();
}, { capture: true });
