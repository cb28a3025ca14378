"""What is left when all is done: host configs, a page, a card, and how it was made."""
