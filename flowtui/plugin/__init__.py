"""The bundled plugin core that flow authors import: artifact, task, helpers, export."""
