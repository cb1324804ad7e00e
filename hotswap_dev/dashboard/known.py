"""What there is on a server that a person can name: what forms suggest, and what is understood when it is typed."""

from __future__ import annotations

from hotswap_dev.dashboard.schema_form import Known
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.preview import own_rules


def known_to(view: View) -> Known:
    """What a form's fields can name, as things will be once everything pending is done."""
    controls = view.expected
    seen = [*reversed([*view.clients])]
    always = (one for release in controls.releases.values() for one in release.always)
    return Known(
        clients=tuple(dict.fromkeys([*seen, *sorted(own_rules(controls)), *always])),
        names=controls.names,
        channels=tuple(controls.channels),
        sequences=tuple(sorted(controls.releases, reverse=True)),
    )
