"""What the screens over the main one say: pure functions from values to lines."""
