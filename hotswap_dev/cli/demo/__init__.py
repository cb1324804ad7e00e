"""`demo`: a server, phones that live and a story about them, on this machine alone and gone when it is over."""
