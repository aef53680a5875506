"""The role and state names that web pages and desktops share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .errors import UsageError

# Names of WAI-ARIA 1.3, then those that browsers and AT-SPI need beyond it. Codes are positions: append only.
_ROLE_WORDS = """
    generic text document alert alertdialog application article banner blockquote button caption cell checkbox code
    columnheader combobox comment complementary contentinfo definition deletion dialog directory emphasis feed figure form
    grid gridcell group heading image insertion link list listbox listitem log main mark marquee math menu menubar menuitem
    menuitemcheckbox menuitemradio meter navigation none note option paragraph progressbar radio radiogroup region row rowgroup
    rowheader scrollbar search searchbox separator slider spinbutton status strong subscript suggestion superscript switch tab
    table tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem graphics-document graphics-object
    graphics-symbol iframe canvas video audio label legend details summary embed map ruby sectionheader sectionfooter window
    desktop terminal"""
ROLES: tuple[str, ...] = tuple(_ROLE_WORDS.split())
_ROLE_CODES = {name: code for code, name in enumerate(ROLES)}
_ROLE_ALIASES = {"img": "image", "presentation": "none", "statictext": "text", "": "generic"}
# AT-SPI role names (at-spi2-core, atspi-constants.h) whose ARIA name differs; others map to themselves or to `generic`.
_ATSPI_ROLES: dict[str, str] = dict(
    pair.split("=")
    for pair in """push button=button|toggle button=button|push button menu=button|check box=checkbox|radio button=radio
    |combo box=combobox|entry=textbox|password text=textbox|text=textbox|editbar=textbox|autocomplete=combobox
    |spin button=spinbutton|label=text|static=text|accelerator label=text|frame=window|internal frame=group
    |dialog=dialog|file chooser=dialog
    |color chooser=dialog|font chooser=dialog|option pane=dialog|panel=group|root pane=group|split pane=group|layered pane=group
    |scroll pane=group|filler=generic|viewport=generic|section=generic|unknown=generic|invalid=generic|redundant object=generic
    |page tab=tab|page tab list=tablist|menu bar=menubar|menu item=menuitem|check menu item=menuitemcheckbox
    |radio menu item=menuitemradio|tearoff menu item=menuitem|popup menu=menu|list box=listbox|list item=listitem
    |table cell=cell|table row=row|table column header=columnheader|table row header=rowheader|column header=columnheader
    |row header=rowheader|tree table=treegrid|tree item=treeitem|scroll bar=scrollbar|progress bar=progressbar|level bar=meter
    |status bar=status|info bar=status|notification=alert|tool bar=toolbar|tool tip=tooltip|icon=image|desktop icon=image
    |drawing area=canvas|desktop frame=desktop|document frame=document|document web=document|document text=document
    |document spreadsheet=document|document presentation=document|document email=document|block quote=blockquote
    |landmark=region|description list=list|description term=term|description value=definition|content deletion=deletion
    |content insertion=insertion|footer=contentinfo|header=banner""".replace("\n", "").split("|")
    for pair in [pair.strip()]
)
_STATE_WORDS = """
    visible in_view on_top clickable editable focusable focused checked mixed pressed selected disabled required readonly
    expanded collapsed multiline invalid modal scrollable offscreen checkable glued"""
STATES: tuple[str, ...] = tuple(_STATE_WORDS.split())
"""Names of the bits of `Elements.states`, lowest first.

`visible`: rendered and not transparent; `in_view`: some of it lies in the viewport; `offscreen`: visible, but none of it does;
`on_top`: a click at its centre reaches it; `glued`: no white space between this text and the text before it.
"""
STATE_BITS: Mapping[str, int] = MappingProxyType({name: 1 << bit for bit, name in enumerate(STATES)})


def role_code(name: str) -> int:
    """The code of a role by its ARIA or AT-SPI name; an unknown one is `generic`."""
    key = name.strip().lower()
    key = _ROLE_ALIASES.get(key, key)
    code = _ROLE_CODES.get(key)
    return code if code is not None else 0


def atspi_role(name: str) -> str:
    """The ARIA name of an AT-SPI role name ("push button" is a `button`); an unknown one is `generic`."""
    key = name.strip().lower()
    mapped = _ATSPI_ROLES.get(key)
    return mapped if mapped is not None else ROLES[role_code(key)]


def state_bits(names: Iterable[str]) -> int:
    """The bitset of state names; `UsageError` for an unknown one."""
    bits = 0
    for name in names:
        if name not in STATE_BITS:
            raise UsageError(f"unknown element state {name!r}; the states are {', '.join(STATES)}")
        bits |= STATE_BITS[name]
    return bits
