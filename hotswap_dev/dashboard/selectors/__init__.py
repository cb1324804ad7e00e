"""What the main screen says: pure functions of one frozen `View`, each giving lines that fit a width.

They word things as the command line does, by the same functions of the domain, and never give a line that is wider than
it may be or that draws anything by itself.
"""

from hotswap_dev.dashboard.selectors.checks import check_heads, check_line
from hotswap_dev.dashboard.selectors.chips import chips
from hotswap_dev.dashboard.selectors.clients import client_heads, client_line, client_rows
from hotswap_dev.dashboard.selectors.empty import empty
from hotswap_dev.dashboard.selectors.foot import foot
from hotswap_dev.dashboard.selectors.header import header
from hotswap_dev.dashboard.selectors.releases import ReleaseRow, release_heads, release_line, release_rows
from hotswap_dev.dashboard.selectors.story import story_lines
from hotswap_dev.dashboard.selectors.tabs import tabs
from hotswap_dev.dashboard.selectors.way import way
from hotswap_dev.dashboard.selectors.why import why_lines

__all__ = [
    "ReleaseRow",
    "check_heads",
    "check_line",
    "chips",
    "client_heads",
    "client_line",
    "client_rows",
    "empty",
    "foot",
    "header",
    "release_heads",
    "release_line",
    "release_rows",
    "story_lines",
    "tabs",
    "way",
    "why_lines",
]
