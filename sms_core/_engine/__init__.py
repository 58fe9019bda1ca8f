"""How a client works inside. Nobody imports this: what users and vendors need has a public name elsewhere."""
