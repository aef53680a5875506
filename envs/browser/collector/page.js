// Runs beside the page's own scripts, in every document: a picker that a script asks for stays shut like one that is clicked.
for (const { prototype } of [HTMLInputElement, HTMLSelectElement]) {
  if (prototype.showPicker) prototype.showPicker = new Proxy(prototype.showPicker, { apply() {} });
}
