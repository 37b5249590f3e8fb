"""The network as it is founded: words, partners, library. What happens later is in `sandbox.life`."""
