"""What rules of limits do again and again, done again without their machine."""
