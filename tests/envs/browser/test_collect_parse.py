"""Merging what the collector read in several frames; no browser is needed."""

from __future__ import annotations

from typing import Any

import pytest

from quintain.elements import Elements
from quintain.envs.browser.collect import FrameResult, parse
from quintain.errors import EnvironmentFault


def test_text_that_is_no_json_is_an_environment_fault() -> None:
    with pytest.raises(EnvironmentFault, match=r"the collector returned no JSON"):
        parse("undefined")


def test_frames_are_put_below_their_frame_elements_in_document_order() -> None:
    shown = ("visible", "in_view")

    def frame(*nodes: dict[str, Any]) -> dict[str, Any]:
        return Elements.of([{"states": shown, **node} for node in nodes]).to_jsonable()

    main = frame(
        {"ref": 1}, {"ref": 2, "parent": 0, "tag": "iframe"}, {"ref": 3, "parent": 0, "tag": "iframe", "states": ()}, {"ref": 4}
    )
    first = frame({"ref": 10}, {"ref": 11, "parent": 0, "tag": "iframe"}, {"ref": 12, "parent": 0})
    merged = parse(
        [
            FrameResult(main),
            FrameResult(frame({"ref": 20}, {"ref": 21, "parent": 0}), parent_ref=3),
            FrameResult(first, parent_ref=2),
            FrameResult(frame({"ref": 30}), parent_ref=11),
            FrameResult(frame({"ref": 40}), parent_ref=99),
        ]
    )
    assert merged.ref.tolist() == [1, 2, 10, 11, 30, 12, 3, 20, 21, 4]
    parents = [element.parent.ref if element.parent else None for element in merged]
    assert parents == [None, 1, 2, 10, 11, 10, 1, 3, 20, None]
    assert [each.ref for each in merged.find(visible=False)] == [3, 20, 21]
