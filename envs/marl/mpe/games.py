"""The scenarios by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quintain.envs.marl.mpe.adversary import Adversary
from quintain.envs.marl.mpe.crypto import Crypto
from quintain.envs.marl.mpe.push import Push
from quintain.envs.marl.mpe.reference import Reference
from quintain.envs.marl.mpe.simple import Simple
from quintain.envs.marl.mpe.speaker_listener import SpeakerListener
from quintain.envs.marl.mpe.spread import Spread
from quintain.envs.marl.mpe.tag import Tag
from quintain.envs.marl.mpe.world_comm import WorldComm
from quintain.functional import Game

GAMES: Mapping[str, Callable[..., Game]] = {
    "simple_v3": Simple,
    "simple_spread_v3": Spread,
    "simple_tag_v3": Tag,
    "simple_adversary_v3": Adversary,
    "simple_push_v3": Push,
    "simple_crypto_v3": Crypto,
    "simple_speaker_listener_v4": SpeakerListener,
    "simple_reference_v3": Reference,
    "simple_world_comm_v3": WorldComm,
}
