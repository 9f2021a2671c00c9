"""Two versions of a file compared: tables by rows and columns, trees by path, texts by lines, others by size and hash.

Everything but :mod:`files`, which reads them, is pure functions over previews.
"""
