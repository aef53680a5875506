"""A page in a real browser, as tests act on it; the fixture `open_page` is in tests/envs/browser/conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import quintain
from quintain.faces import GymEnv

FORM = """<!doctype html><title>Form</title>
<label>Name <input id=name></label> <label>Notes <textarea id=notes>old</textarea></label>
<select id=city aria-label=City><option value=r>Rome<option value=o>Oslo<option disabled>Nowhere</select>
<input type=date id=day aria-label=Day> <input type=file id=file aria-label=File>
<input id=fixed aria-label=Fixed readonly value=no>
<button onclick="setTimeout(() => out.textContent = [name_(), city.value, day.value, file.files.length], 900)">Send</button>
<p id=out></p><button disabled>Late</button><button style="display:none">Gone</button>
<button id=vanish onclick="this.remove()">Vanish</button>
<div style="position:relative"><button>Under</button>
<div role=dialog aria-label=Cookies style="position:absolute;inset:0">x</div></div>
<div id=box style="height:60px;overflow:auto"><p style="margin-top:300px">
<button onclick="out.textContent='deep'">Deep</button></div>
<script>const name_ = () => document.getElementById('name').value</script>"""


class Page:
    """An environment and its last observation, with the lookups that tests need."""

    def __init__(self, env: GymEnv) -> None:
        self.env = env
        self.seen, self.info = env.reset(seed=1)

    def ref(self, role: str, name: str) -> int:
        assert self.seen.elements is not None
        return self.seen.elements.one(role=role, name=name).ref

    def do(self, action: Any) -> quintain.Observation:
        self.seen = self.env.step(action).observation
        return self.seen

    def text(self) -> str:
        assert self.seen.elements is not None
        return self.seen.elements.text(with_refs=False)


Open = Callable[..., Page]
