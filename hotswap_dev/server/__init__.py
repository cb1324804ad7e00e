"""What apps and people reach over HTTP: the client site, and the control site on loopback (design §2)."""
