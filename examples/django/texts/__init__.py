"""Our own API: it takes texts to send, and tells what became of them."""
