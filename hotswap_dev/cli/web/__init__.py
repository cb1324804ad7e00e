"""The dashboard in a browser on this machine: one process for each tab, behind a door of our own."""
