"""What Tab offers in the lines and cells of our magics."""
