"""What is made from the program itself."""
