"""The bytes behind a URI: local file, signed URL; stat, ranged read, stream."""
