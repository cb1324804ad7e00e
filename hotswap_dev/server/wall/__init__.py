"""The wall of phones: every client as a frame with the page that it runs now. `wall_site` serves what is here."""
