"""How the sandbox is spoken to: contracts, gateways, tokens, limits, and the hands-on endpoints beside them."""
