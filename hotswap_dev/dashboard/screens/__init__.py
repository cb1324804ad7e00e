"""What opens over the main screen: details, forms, questions."""
