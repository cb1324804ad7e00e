"""Textual's driver for a terminal, which gives back the one mode that it forgets when the dashboard is stopped.

Mouse reports in pixels (1016) are asked for by `LinuxDriver._enable_mouse_pixels` and ended by nobody: Ctrl-Z would
leave the shell with them. After the program has ended `terminal.calm` does it.
"""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class CalmDriver(LinuxDriver):
    """Leaves no mode on, however often it is stopped and continued."""

    def stop_application_mode(self) -> None:
        """Give the terminal back, mouse reports in pixels first."""
        self.write("\x1b[?1016l")
        super().stop_application_mode()
