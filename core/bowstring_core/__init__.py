"""The core of Bowstring: everything that a runtime needs once, whatever the languages of its frontends.

`machine` decides, `node` does, `store` owns the memory. The core knows the wire (`bowstring_wire`) and no frontend.
"""

__version__ = "0.1.0"
