"""What the images and annotations are, before anything is computed from them."""
