"""What happens in the network, by itself and in answer to what clients write."""
