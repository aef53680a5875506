"""The system text: the rules of an action space, and how to answer."""

from __future__ import annotations

from typing import Literal

from quintain.agents.llm.switches import Switches
from quintain.agents.llm.tools import Offer, listed

Form = Literal["tools", "schema", "text"]
_SHOWN_AS = {
    "axtree": "Elements are listed as [number] role and name; an action names one by its number.",
    "controls": "Elements are listed as [number] role and name; an action names one by its number.",
    "html": "Elements have a ref; an action names one by it.",
    "markdown": "In the page, #number marks what can be acted on; an action names it by that number.",
    "off": "",
}


def instructions(offer: Offer, form: Form, switches: Switches) -> str:
    """Short, and only what holds for these actions."""
    if switches.system is not None:
        return switches.system
    if switches.compact:
        return "You act step by step towards a goal. Answer with one action."
    lines = ["You act in an environment towards a goal. After each action you see what came of it."]
    takes_targets = any(kind in offer.kinds for kind in ("click", "type", "select", "hover", "drag"))
    if takes_targets and offer.refs:
        lines.append(_SHOWN_AS[switches.elements])
    if takes_targets and offer.points:
        lines.append("A target may also be a point in the screenshot, in pixels from its left and top edges.")
    if switches.marks and takes_targets and offer.refs:
        lines.append("The numbers drawn on the screenshot are those of the elements.")
    if "submit" in offer.kinds:
        lines.append("When the goal is reached, submit, with the answer if one was asked for; some tasks end by themselves.")
    if "infeasible" in offer.kinds:
        lines.append("If it cannot be reached at all, say infeasible.")
    return "\n".join(filter(None, [*lines, *_answering(offer, form, several=switches.several), *_extras(switches)]))


def _answering(offer: Offer, form: Form, *, several: bool) -> list[str]:
    if form == "tools":
        return [
            "Call the tools of the next actions, in their order." if several else "Each time, call one tool: the next action."
        ]
    if form == "schema":
        return ['Answer with JSON, {"action": {…}}, where the action is one of:', listed(offer)]
    return ["Answer with one action as a JSON object in a block of ```json and ```. It is one of:", listed(offer)]


def _extras(switches: Switches) -> list[str]:
    found = []
    if switches.thought:
        found.append("In `thought`, beside the action, say why.")
    if switches.plan:
        found.append("Begin with a `plan`, beside the first action; give another one when it has to change.")
    if switches.memory:
        found.append("In `memory`, beside the action, keep what you will need later: older observations are not shown again.")
    return found
