"""The servers that a user might pick instead: where their programs come from, and how each is started."""
