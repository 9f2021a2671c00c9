"""What a viewer scrolls over, by kind: text, bytes, tables, trees; no Textual in here."""
