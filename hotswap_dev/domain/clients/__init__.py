"""A client as its own check-ins show it: what they prove (`advance`), and how its row reads (`standing`)."""

from hotswap_dev.domain.clients.advance import MAX_TURNS, Client, Formerly, Mixed, advance
from hotswap_dev.domain.clients.standing import label_sentence, remarks

__all__ = ["MAX_TURNS", "Client", "Formerly", "Mixed", "advance", "label_sentence", "remarks"]
