"""What a technique needs of a world and of its arguments, refused before anything is spent."""

from __future__ import annotations

from quintain.errors import UsageError
from quintain.handle import EpisodeHandle


def need_copies(episode: EpisodeHandle, technique: str) -> None:
    """Raises UsageError where several of the world cannot live side by side."""
    if not episode.capabilities.copies:
        raise UsageError(f"{technique}: {episode.view.id}: this world has no `copies`, which fresh attempts need")


def need_branches(episode: EpisodeHandle, technique: str) -> None:
    """Raises UsageError where no branch can be had."""
    can = episode.capabilities
    if not (can.snapshot or (can.replay and can.copies)):
        raise UsageError(f"{technique}: {episode.view.id}: this world has neither `snapshot` nor `replay` with `copies`")


def need_actions(episode: EpisodeHandle, technique: str, *kinds: str) -> None:
    """Raises UsageError where the world does not take actions of these kinds."""
    missing = [kind for kind in kinds if kind not in episode.view.action_kinds]
    if missing:
        raise UsageError(
            f"{technique}: {episode.view.id}: this world takes no action {', '.join(missing)}; it is for repositories"
        )


def counted(**numbers: int) -> int:
    """The number, if it is one of at least 1."""
    ((name, number),) = numbers.items()
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"{name} must be a whole number of at least 1, got {number!r}")
    return number
