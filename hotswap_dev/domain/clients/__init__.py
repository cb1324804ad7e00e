"""Clients as their own check-ins and reports show them: what those prove (`advance`), all that are known (`table`),
and how a row reads (`standing`).
"""

from hotswap_dev.domain.clients.advance import advance
from hotswap_dev.domain.clients.row import MAX_TURNS, Client, Formerly, Mixed
from hotswap_dev.domain.clients.standing import in_loop, label_sentence, remarks, runs_again
from hotswap_dev.domain.clients.table import MAX_CLIENTS, ClientTable

__all__ = [
    "MAX_CLIENTS",
    "MAX_TURNS",
    "Client",
    "ClientTable",
    "Formerly",
    "Mixed",
    "advance",
    "in_loop",
    "label_sentence",
    "remarks",
    "runs_again",
]
