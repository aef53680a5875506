"""How agents are named, recognised, given arguments, and begun with; `quintain.lifting` builds them."""
