"""What gateways deliver late (补传), told once for each gateway and delivery."""
