"""Golden bytes of the wire, and what makes and judges them."""
