"""Values as spec chapter 3 writes them: payloads and images, tensors, Arrow streams, portable trees.

numpy and pyarrow are imported by the first value that is one.
"""
